"""What docs/operations.md hands to other programs is taken by them, where they are installed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.reference import DOCS

PAGE = (DOCS / "operations.md").read_text("utf-8")


def block(kind: str) -> str:
    """The page's one block of this kind."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def accepted(tool: str, *words: object, folder: Path) -> None:
    """Fails with what the tool complains of; skips where it is not installed."""
    path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin")
    if path is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run(
        [path, *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_fire_when_they_should() -> None:
    accepted("promtool", "test", "rules", "alerts.test.yml", folder=DOCS / "monitoring")


def test_prometheus_takes_the_scrape_job(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(block("yaml"))

    accepted("promtool", "check", "config", "--syntax-only", "prometheus.yml", folder=tmp_path)


def test_nginx_takes_the_location(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\nserver {{\nlisten unix:{tmp_path}/socket;\n"
        f"{block('nginx')}}}\n}}\n"
    )

    accepted("nginx", "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf", folder=tmp_path)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    command = r"(?m)^ExecStart=\S+"
    assert re.search(command, block("ini"))
    unit = re.sub(command, f"ExecStart={sys.executable}", block("ini"))
    (tmp_path / "sightline.service").write_text(unit)

    accepted("systemd-analyze", "verify", "./sightline.service", folder=tmp_path)


def test_a_proxy_keeps_nothing() -> None:
    """Without HTTP/1.1 an upload of unknown length lies on the proxy's disk as a whole."""
    told = {line.strip() for line in block("nginx").splitlines()}

    assert {
        "proxy_http_version 1.1;",
        "proxy_request_buffering off;",
        "proxy_buffering off;",
    } <= told
