"""The whole API from its own description: schemathesis makes requests by the thousand.

Needs schemathesis (the extra `dev`). The service itself counts what it answered.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT
from benchmarks.serving import Service, environment
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import ask, crops, form, request


def run(seed: int, quick: bool) -> Tally:
    return fuzz(seed, 5 if quick else 30)


def fuzz(seed: int, examples: int, **settings: Any) -> Tally:
    """So many examples for each operation, of a service with these settings."""
    tally = Tally()
    with (
        tempfile.TemporaryDirectory() as folder,
        Service(Path(folder) / "gallery", **settings) as service,
    ):
        for number in range(4):
            body = form(crops(number, 2), tracklet_id=f"t{number}", identity="p1", camera="c1")
            ask(service.address, request("POST", "/tracklets", body))
        _send(service, folder, seed, examples)
        text = ask(service.address, request("GET", "/metrics")).body.decode()
    for line in text.splitlines():
        if line.startswith("sightline_requests_total{"):
            status = line.partition('status="')[2][:3]
            count = int(float(line.rpartition(" ")[2]))
            tally.count("requests", count)
            tally.count(f"answered_{status[0]}xx", count)
            tally.expect(status[0] != "5", f"{line.partition(' ')[0]} answered {count} times")
    tally.expect(tally.counts.get("requests", 0) > 100, "schemathesis made hardly any requests")
    return tally


def _send(service: Service, folder: str, seed: int, examples: int) -> None:
    host, port = service.address
    words = ["run", f"http://{host}:{port}/openapi.json", "--seed", str(seed)]
    words += ["--checks", "not_a_server_error", "--max-examples", str(examples)]
    words += ["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"]
    code = "from schemathesis.cli import schemathesis; schemathesis()"
    subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env=environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=330,
        check=False,
    )


API_FUZZING = Campaign(
    name="api-fuzzing",
    title="schemathesis from our own OpenAPI",
    run=run,
    done="{requests} requests to every operation, good and bad",
    seen="{answered_2xx} answered 2xx, {answered_4xx} 4xx, {answered_5xx} of the 500 kind",
)
