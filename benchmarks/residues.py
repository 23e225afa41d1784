"""What is left of an erased person: every file of the gallery is searched for their bytes.

Tracklets are enrolled over HTTP, the service leaves its saved index, and then people are erased:
by tracklet, by identity, while another program holds a reader open, and with a kill in between.
Before, the bytes to look for are read out of the files: the vector as it is stored, the vector as
the saved index holds it, and every kept picture.
"""

import random
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import Service
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Address, ask, crops, form, request
from indexer.saved import SavedIndex, load
from indexer.store import FILE

_FRAMES = 6
_PIECE = 24
_STEP = 400


@dataclass(frozen=True)
class Traces:
    """Pieces of one tracklet's bytes, none of which may be anywhere after its erasure."""

    tracklet_id: str
    pieces: tuple[bytes, ...]

    def found_in(self, files: dict[Path, bytes]) -> list[str]:
        return [
            file.name
            for file, content in files.items()
            if any(piece in content for piece in self.pieces)
        ]


def read_files(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder; one that vanishes meanwhile holds nothing."""
    found = {}
    for file in folder.rglob("*"):
        try:
            content = file.read_bytes() if file.is_file() and not file.is_symlink() else b""
        except FileNotFoundError:
            continue
        # The reserve is nothing but zeros.
        found[file] = content.strip(b"\0")
    return found


def traces_of(gallery: Path, tracklet_ids: list[str]) -> list[Traces]:
    """What to look for afterwards, as it lies in the files now."""
    saved = load(gallery)
    with closing(sqlite3.connect(gallery / FILE)) as connection:
        return [_traces(connection, saved, tracklet_id) for tracklet_id in tracklet_ids]


def _traces(connection: sqlite3.Connection, saved: SavedIndex | None, tracklet_id: str) -> Traces:
    seq, vector = connection.execute(
        "SELECT seq, embedding FROM tracklets JOIN vectors USING (seq) WHERE tracklet_id = ?",
        (tracklet_id,),
    ).fetchone()
    rows = connection.execute("SELECT jpeg FROM pictures WHERE seq = ?", (seq,))
    contents = [vector, *(jpeg for (jpeg,) in rows)]
    if saved is not None:
        places = saved.seqs.tolist()
        if seq in places:
            contents.append(saved.vectors[places.index(seq)].tobytes())
    return Traces(tracklet_id, tuple(piece for one in contents for piece in _pieces(one)))


def _pieces(content: bytes) -> list[bytes]:
    """Short ones: what is long lies on several pages. A JPEG's head is the same for everybody."""
    start = 700 if content.startswith(b"\xff\xd8") else 0
    return [content[at : at + _PIECE] for at in range(start, len(content) - _PIECE, _STEP)]


class Round:
    """One gallery, filled, saved, and then bereft of half its people."""

    def __init__(self, folder: Path, seed: int, tally: Tally) -> None:
        self.gallery, self.tally = folder / "gallery", tally
        self.choices = random.Random(seed)
        self.ids = [f"t{number}" for number in range(24)]

    def go(self) -> None:
        with Service(self.gallery) as service:
            for number, tracklet_id in enumerate(self.ids):
                body = form(
                    crops(self.choices.randrange(10**9), _FRAMES),
                    tracklet_id=tracklet_id,
                    identity=f"p{number // 3}",
                    camera=f"c{number % 3}",
                )
                ask(service.address, request("POST", "/tracklets", body))
            service.stop()
        traces = {one.tracklet_id: one for one in traces_of(self.gallery, self.ids)}
        self.tally.count("pieces", sum(len(one.pieces) for one in traces.values()))
        before = read_files(self.gallery)
        unseen = [name for name, one in traces.items() if not one.found_in(before)]
        self.tally.expect(not unseen, "the search does not find what is there")
        gone = self._erase()
        self._search([traces[name] for name in gone], "after the erasures")
        with Service(self.gallery) as service:
            service.stop()
        self._search([traces[name] for name in gone], "after a restart and a new saved index")

    def _erase(self) -> list[str]:
        gone = self.choices.sample(self.ids[:12], 4)
        with Service(self.gallery) as service:
            for name in gone[:2]:
                self._delete(service.address, f"/tracklets/{name}")
            self._delete_past_a_reader(service.address, f"/tracklets/{gone[2]}")
            # An answered erasure is one that a kill cannot bring back.
            self._delete(service.address, f"/tracklets/{gone[3]}")
            service.kill()
        with Service(self.gallery) as service:
            identity = self.choices.choice(["p4", "p5", "p6", "p7"])
            self._delete(service.address, f"/identities/{identity}")
            service.stop()
        number = int(identity[1:])
        return gone + self.ids[3 * number : 3 * number + 3]

    def _delete(self, address: Address, path: str) -> None:
        answer = ask(address, request("DELETE", path))
        self.tally.count("erasures")
        self.tally.expect(answer.status in {200, 204}, f"an erasure was answered {answer.status}")

    def _delete_past_a_reader(self, address: Address, path: str) -> None:
        """A reader in this process holds the log: pending first, then done."""
        with closing(sqlite3.connect(self.gallery / FILE, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM tracklets").fetchone()
            first = ask(address, request("DELETE", path))
            self.tally.expect(first.code == "erase_pending", f"with a reader: {first.status}")
            self.tally.count("pending", first.code == "erase_pending")
            reader.execute("ROLLBACK")
        until = time.monotonic() + 10
        while ask(address, request("DELETE", path)).status == 503 and time.monotonic() < until:
            time.sleep(0.05)
        self.tally.count("erasures")

    def _search(self, gone: list[Traces], when: str) -> None:
        files = read_files(self.gallery)
        left = [f"{one.tracklet_id} in {name}" for one in gone for name in one.found_in(files)]
        self.tally.count("searches", len(gone))
        self.tally.count("bytes_searched", sum(map(len, files.values())))
        self.tally.count("residues", len(left))
        self.tally.expect(not left, f"{when}: {left[:2]}")


def run(seed: int, quick: bool) -> Tally:
    tally = Tally()
    for number in range(1 if quick else 8):
        with tempfile.TemporaryDirectory() as folder:
            Round(Path(folder), seed * 100 + number, tally).go()
            tally.count("galleries")
    return tally


RESIDUES = Campaign(
    name="residues",
    title="bytes of erased people in any file of the gallery",
    run=run,
    done="{erasures} erasures in {galleries} galleries, {pending} of them behind an open reader, a "
    "kill and restarts in between; {searches} searches over {bytes_searched} bytes",
    seen="{residues} residual copies of a vector or a picture",
)
