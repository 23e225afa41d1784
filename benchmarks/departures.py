"""Clients that go away at every stage: their work is dropped, or done as a whole, nobody waits.

They leave amid the headers, amid the body, with everything sent, or a moment later while their
tracklet waits for the model. Meanwhile one client who stays is answered.
"""

import random
import socket
import struct
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.kills import everything
from benchmarks.serving import Service
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, ask, connect, crops, form, get, metric, request
from indexer.gallery import open_gallery

STAGES = ("amid the head", "amid the body", "all sent", "while waiting")
_FRAMES = 12
_QUIET_SECONDS = 20


def leave(address: Address, data: bytes, stage: str, choices: random.Random) -> socket.socket:
    """Send as much as the stage says; the connection is to be closed by the caller."""
    connection = connect(address)
    end = data.index(b"\r\n\r\n") + 4
    most = {
        "amid the head": choices.randrange(1, end),
        "amid the body": choices.randrange(end, len(data)),
    }.get(stage, len(data))
    connection.sendall(data[:most])
    return connection


def hang_up(connection: socket.socket, choices: random.Random) -> None:
    """Close in order, or by a reset."""
    if choices.random() < 0.5:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def one_wave(address: Address, number: int, choices: random.Random, tally: Tally) -> set[str]:
    """Many leave at once; the ids of those who had sent everything."""
    sent: set[str] = set()
    leaving: list[socket.socket] = []
    for place in range(24):
        name, stage = f"w{number}-{place}", STAGES[place % len(STAGES)]
        body = form(crops(place, _FRAMES), tracklet_id=name, identity="gone")
        connection = leave(address, request("POST", "/tracklets", body), stage, choices)
        tally.count("departures")
        if stage in STAGES[2:]:
            sent.add(name)
        if stage == "while waiting":
            leaving.append(connection)
        else:
            hang_up(connection, choices)
    stays = form(crops(number, _FRAMES), tracklet_id=f"stays-{number}")
    with closing(connect(address)) as waiting:
        waiting.sendall(request("POST", "/tracklets", stays))
        time.sleep(0.05)
        for connection in leaving:
            hang_up(connection, choices)
        answered = waiting.recv(12) == b"HTTP/1.1 201"
    tally.count("stayed")
    tally.expect(answered, "the client who stayed was not answered")
    return sent


def _becomes_quiet(address: Address) -> bool:
    until = time.monotonic() + _QUIET_SECONDS
    while get(address, "/status")["queue_depth"]:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def run(seed: int, quick: bool) -> Tally:
    choices, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as folder:
        gallery = Path(folder) / "gallery"
        sent: set[str] = set()
        with Service(gallery) as service:
            for number in range(3 if quick else 25):
                sent |= one_wave(service.address, number, choices, tally)
                quiet = _becomes_quiet(service.address)
                tally.expect(quiet, "places in the queue were never given back")
            tally.count("sent_whole", len(sent))
            embedded = int(metric(service.address, "sightline_embedded_tracklets_total"))
            tally.count("embedded", embedded - tally.counts["stayed"])
            good = ask(service.address, request("POST", "/query", form(crops(1, 4)))).status == 200
            tally.expect(good, "the service does not answer any more")
            service.stop()
        with open_gallery(gallery, model_id=None, width=None, create=False) as opened:
            items = everything(opened)
            kept = {one.tracklet_id: one.pictures for one in items}
            findings = opened.verify().findings
    torn = [name for name, pictures in kept.items() if pictures != _FRAMES]
    unsent = [name for name in kept if name not in sent and not name.startswith("stays-")]
    tally.count("kept", sum(name in sent for name in kept))
    tally.count("torn", len(torn) + len(unsent))
    tally.expect(not torn and not unsent and not findings, f"{torn[:2]} {unsent[:2]}")
    return tally


DEPARTURES = Campaign(
    name="departures",
    title="clients that go away",
    run=run,
    done="{departures} clients left, a quarter each amid the head, amid the body, with all sent "
    "and while waiting",
    seen="of {sent_whole} whole requests {embedded} were still embedded and {kept} enrolled, "
    "{torn} by halves; all {stayed} who stayed were answered; the queue was empty afterwards",
)
