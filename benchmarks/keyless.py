"""200 MB from somebody without a key: how much is read before they are told no.

The client sends as fast as it can, with a declared length and in chunks. The service counts the
bytes of bodies that it reads; what the system takes into its buffers meanwhile is counted apart.
"""

import os
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.serving import Service, environment
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import ask, connect, head, request

_SIZE = 200_000_000
_MOST_READ = 1_000_000
_PIECE = b"x" * 65536
_KIND = b"Content-Type: multipart/form-data; boundary=b"


def run(seed: int, quick: bool) -> Tally:
    del seed
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        gallery = Path(folder) / "gallery"
        with Service(gallery) as service:  # makes the gallery
            service.stop()
        key = _make_key(gallery)
        spool = Path(folder) / "spool"
        spool.mkdir()
        os.environ["TMPDIR"] = str(spool)
        with Service(gallery) as service:
            there = set(spool.iterdir())
            for _ in range(2 if quick else 10):
                for chunked in (False, True):
                    before = _read_so_far(service, key)
                    answer, sent = _upload(connect(service.address), chunked=chunked)
                    read = _read_so_far(service, key) - before
                    tally.count("uploads")
                    tally.count("told", answer.startswith(b"HTTP/1.1 401"))
                    tally.peak("read", read)
                    tally.peak("sent", sent)
                    tally.expect(read <= _MOST_READ, f"{read:,} bytes read")
                    tally.expect(answer.startswith(b"HTTP/1.1 401"), f"answered {answer[:40]!r}")
            left = set(spool.iterdir()) - there
            tally.count("spooled", len(left))
            tally.expect(not left, "something was spooled to the disk")
            tally.peak("rss", service.peak_rss() / 2**20)
    return tally


def _make_key(gallery: Path) -> str:
    words = ["keys", "create", "--gallery", str(gallery), "--name", "figures", "--role", "query"]
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]


def _read_so_far(service: Service, key: str) -> int:
    text = ask(service.address, request("GET", "/metrics", key=key)).body.decode()
    (line,) = [one for one in text.splitlines() if one.startswith("sightline_body_bytes_total")]
    return int(float(line.split(" ")[1]))


def _upload(connection: socket.socket, *, chunked: bool) -> tuple[bytes, int]:
    """What was answered, and how much could be sent."""
    sent = 0
    with closing(connection):
        how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % _SIZE
        connection.sendall(head("POST", "/tracklets", _KIND, how))
        piece = b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE) if chunked else _PIECE
        try:
            while sent < _SIZE:
                sent += connection.send(piece)
        except OSError:
            pass  # the other side has hung up, which is what was waited for
        try:
            return connection.recv(65536), sent
        except OSError:
            return b"", sent


KEYLESS = Campaign(
    name="keyless",
    title="200 MB from somebody without a key",
    run=run,
    done="{uploads} uploads, half of them chunked, sent as fast as the connection takes them",
    seen="at most {read:,.0f} bytes read of each before it was closed ({sent:,.0f} had left the "
    "client), {told} told 401 although they sent on, {spooled} files spooled; the service's peak "
    "{rss:.0f} MiB",
)
