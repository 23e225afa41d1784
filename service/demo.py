"""`sightline demo`: the main job on the sample archive, run the way a user would run it.

It indexes `examples/archive` with the command line, starts a real service on loopback, queries it
over HTTP with clips that are not in the archive, and checks that the right person comes first.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from rich.markup import escape

from indexer.asking import Wanted, read_subject
from indexer.commands.ranking_table import ranking_table
from indexer.remote_query import ask_service
from model.bundle import DEFAULT_BUNDLE, Manifest
from model.errors import NotReady, SightlineError
from model.terminal import failures_as_exit, output

EXAMPLES = Path(__file__).parents[1] / "examples"
START_SECONDS = 60.0


@dataclass(frozen=True)
class HeldOut:
    """A clip that is not in the archive, and who it shows."""

    path: Path
    identity: str


def demo(
    stop: Annotated[
        bool, typer.Option("--exit", help="Stop the service and remove its gallery.")
    ] = False,
    model: Annotated[
        Path, typer.Option(help="Model bundle.", envvar="SIGHTLINE_MODEL")
    ] = DEFAULT_BUNDLE,
    examples: Annotated[Path, typer.Option(help="Folder of the sample archive.")] = EXAMPLES,
) -> None:
    """Index the sample archive, start the service, query it over HTTP and check the answer.

    Example: sightline demo --exit
    """
    with failures_as_exit():
        _run(model, examples, stop=stop)


def _run(model: Path, examples: Path, *, stop: bool) -> None:
    _introduce(Manifest.load(model))
    folder = Path(tempfile.mkdtemp(prefix="sightline-demo-"))
    gallery = folder / "gallery"
    shown = f"--gallery {gallery} --model {model}"
    _say(f"$ sightline index {examples / 'archive'} {shown}")
    _sightline("index", str(examples / "archive"), "--gallery", str(gallery), "--model", str(model))

    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    _say(f"\n$ sightline serve {shown} --port {port}")
    with (folder / "service.log").open("wb") as log:
        service = subprocess.Popen(
            _command(
                "serve", "--gallery", str(gallery), "--model", str(model), "--port", str(port)
            ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finished = False
    try:
        _wait_until_ready(url, service, folder / "service.log")
        _ask_all(url, _held_out(examples))
        finished = True
    finally:
        if stop or not finished:
            service.terminate()
            service.wait()
            shutil.rmtree(folder)
    if not stop:
        _say(f"\nThe service goes on at {url} (its log: {folder / 'service.log'}).")
        _say(f"Stop it with: kill {service.pid}")


def _introduce(manifest: Manifest) -> None:
    _say(f"Sightline demo with the model {manifest.name} {manifest.version} ({manifest.model_id})")
    if str(manifest.training.get("data", "")).startswith("synthetic"):
        _say("Note: this model was trained on synthetic people only; see docs/model-card.md.")


def _held_out(examples: Path) -> list[HeldOut]:
    listing = json.loads((examples / "queries.json").read_text(encoding="utf-8"))
    return [HeldOut(examples / item["path"], item["identity"]) for item in listing]


def _ask_all(url: str, queries: list[HeldOut]) -> None:
    wrong = [query.identity for query in queries if not _ask(url, query)]
    if wrong:
        raise SightlineError(
            f"{len(wrong)} of {len(queries)} queries did not rank the right person first"
        )
    _say(f"\nAll {len(queries)} held-out clips found the right person first.")


def _ask(url: str, query: HeldOut) -> bool:
    """Query with one clip, print the ranking, and say whether the right person leads it."""
    _say(f"\n$ sightline query {query.path} --server {url} --top-k 5")
    wanted = Wanted(top_k=5, tracklets_per_identity=5, far=1e-4)
    answer = ask_service(url, read_subject(str(query.path)), wanted, key=None).answer
    output.print(ranking_table(answer))
    found = answer.results[0].identity if answer.results else None
    verdict = "right" if found == query.identity else "WRONG"
    _say(f"The clip shows {query.identity}; first is {found}: {verdict}.")
    return found == query.identity


def _wait_until_ready(url: str, service: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and service.poll() is None:
        try:
            if httpx2.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx2.TransportError:
            pass  # Not listening yet: that is what the loop waits for.
        time.sleep(0.1)
    tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise NotReady(f"the service did not become ready; the end of its log:\n{tail}")


def _sightline(*arguments: str) -> None:
    if subprocess.run(_command(*arguments), check=False).returncode:
        raise SightlineError(f"sightline {arguments[0]} failed")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "service.cli", *arguments]


def _free_port() -> int:
    """8000 where it is free, else any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 8000))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(text: str) -> None:
    output.print(escape(text))
