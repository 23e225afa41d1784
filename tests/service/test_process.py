"""`sightline serve` as a user starts it: a real process, ended by SIGTERM."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.service.helpers import form

START_SECONDS = 60


class Process:
    """A running `sightline serve` and its log lines."""

    def __init__(self, *flags: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", *flags],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )
        self.lines: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.append(line)
                if '"listening"' in line:
                    self._listening.set()
        self._listening.set()

    def url(self) -> str:
        assert self._listening.wait(START_SECONDS)
        found = re.search(r"https?://127\.0\.0\.1:\d+", "".join(self.lines))
        assert found, self.lines
        return found[0]

    def end(self) -> int:
        code = self.process.wait(30)
        self._reader.join(10)
        return code


@pytest.fixture
def process(tmp_path: Path, fake_bundle: Path) -> Iterator[Process]:
    flags = ("--gallery", str(tmp_path / "g"), "--model", str(fake_bundle), "--port", "0")
    started = Process(*flags, SIGHTLINE_DRAIN_NOTICE_SECONDS="1", SIGHTLINE_THREADS="1")
    yield started
    started.process.kill()
    started.end()


def test_it_serves_and_sigterm_ends_it_in_order(process: Process, tmp_path: Path) -> None:
    with httpx2.Client(base_url=process.url()) as client:
        enrolled = client.post("/tracklets", files=form(1, tracklet_id="a1", identity="Anna\n"))
        assert enrolled.status_code == 201
        assert client.post("/query", files=form(1)).json()["results"][0]["identity"] == "Anna"
        assert client.get("/identities/Anna").json()["tracklets"] == 1
        assert client.get("/readyz").status_code == 200

        process.process.send_signal(signal.SIGTERM)
        while (ready := client.get("/readyz")).status_code == 200:
            pass
        assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
        assert client.post("/query", files=form(1)).json()["code"] == "draining"

    assert process.end() == 0
    events = [json.loads(line) for line in process.lines]  # every line is one JSON object
    routes = [event["route"] for event in events if event.get("event") == "request"]
    assert routes[:2] == ["/tracklets", "/query"]
    assert all(event["request_id"] for event in events if event.get("event") == "request")
    assert "Anna" not in "".join(process.lines)
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("flags", "environment", "code", "told"),
    [
        (("--model", "/nowhere"), {}, 1, "no model bundle"),
        (("--host", "0.0.0.0"), {}, 1, "sightline keys create"),
        (("--tls-cert", "cert.pem"), {}, 2, "tls_key"),
        (("--port", "99999"), {}, 2, "--port: "),
        ((), {"SIGHTLINE_QUEUE": "0"}, 2, "SIGHTLINE_QUEUE"),
        (("--device", "cuda"), {}, 1, "cuda"),
        (("--host", "127.0.0.2.3"), {}, 1, "127.0.0.2.3"),
        (("--keys-file", "/nowhere/keys.json"), {}, 1, "/nowhere/keys.json"),
        ((), {"SIGHTLINE_TRUSTED_PROXIES": "*"}, 2, "SIGHTLINE_TRUSTED_PROXIES"),
        ((), {"SIGHTLINE_MAX_FRAMES": "600"}, 2, "SIGHTLINE_MAX_PARTS"),
    ],
)
def test_it_says_in_one_line_why_it_does_not_start(
    tmp_path: Path,
    fake_bundle: Path,
    flags: tuple[str, ...],
    environment: dict[str, str],
    code: int,
    told: str,
) -> None:
    common = ("--gallery", str(tmp_path / "g"), "--model", str(fake_bundle), "--port", "0")
    started = Process(*common, *flags, **environment)

    assert started.end() == code
    assert not (tmp_path / "g").exists()
    problems = [line for line in started.lines if line.startswith("error:")]
    assert len(problems) == 1
    assert told.lower() in " ".join(started.lines).lower()
    assert "Traceback" not in "".join(started.lines)


def test_a_port_that_is_taken_is_told_before_anything_is_made(
    tmp_path: Path, fake_bundle: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        flags = ("--gallery", str(tmp_path / "g"), "--model", str(fake_bundle), "--port", port)
        started = Process(*flags)
        assert started.end() == 1

    assert f"port {port}" in started.lines[-1]
    assert not (tmp_path / "g").exists()


def test_ctrl_c_twice_ends_it_at_once_and_says_so_with_its_exit_code(process: Process) -> None:
    address = urlsplit(process.url())
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=30) as waiting:
        # A request whose body never comes keeps an orderly end waiting.
        waiting.sendall(
            b"POST /query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        process.process.send_signal(signal.SIGINT)
        with httpx2.Client(base_url=process.url()) as client:
            while client.get("/readyz").status_code == 200:
                pass
        process.process.send_signal(signal.SIGINT)
        assert process.end() == 1

    lines = "".join(process.lines)
    assert "Traceback" not in lines
    assert json.loads(process.lines[-1])["event"] == "ended_at_once"


def test_ctrl_c_once_ends_it_in_order(process: Process) -> None:
    process.url()
    process.process.send_signal(signal.SIGINT)

    assert process.end() == 0
    assert "Traceback" not in "".join(process.lines)


def test_serving_imports_no_torch() -> None:
    code = "import sys, service.app, service.server; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
