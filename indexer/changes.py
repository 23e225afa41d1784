"""What happened in the store since a view last looked, whichever process did it.

Read in batches, each in a short transaction of its own. That is safe because applying a change
twice does no harm, and because removals are read last: a tracklet that is erased between two
batches is among them.
"""

import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.schema import BYTES_PER_COMPONENT
from indexer.store import Store

BATCH = 2048

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """A tracklet that is new or was changed, as the view needs it."""

    seq: int
    tracklet_id: str
    identity: str | None
    camera: str | None
    captured_at: int | None


@dataclass(frozen=True)
class Batch:
    """Changes [n] and the stored vectors of their tracklets [n, D]."""

    changes: Sequence[Change]
    vectors: NDArray[np.float16]


def changed(store: Store, since: int) -> Iterator[Batch]:
    """Tracklets changed after generation `since`, oldest change first.

    A tracklet whose vector fails its checksum or has another length is left out: it must never be
    found by a wrong score. `verify` names it.
    """
    place = (since, 1 << 62)
    while True:
        with store.reading() as connection:
            rows = connection.execute(
                "SELECT t.generation, t.seq, t.tracklet_id, t.identity, t.camera, t.captured_at,"
                " v.embedding, v.crc FROM tracklets t JOIN vectors v USING (seq)"
                " WHERE (t.generation, t.seq) > (?, ?) ORDER BY t.generation, t.seq LIMIT ?",
                (*place, BATCH),
            ).fetchall()
        if not rows:
            return
        place = (rows[-1][0], rows[-1][1])
        size = BYTES_PER_COMPONENT * store.width
        good = [row for row in rows if len(row[6]) == size and zlib.crc32(row[6]) == row[7]]
        if len(good) < len(rows):
            _log.error("%d damaged embeddings left out of the search", len(rows) - len(good))
        joined = np.frombuffer(b"".join(row[6] for row in good), dtype="<f2")
        yield Batch([Change(*row[1:6]) for row in good], joined.reshape(-1, store.width))


def removed(store: Store, since: int) -> list[int]:
    """Numbers of the tracklets erased after generation `since`."""
    with store.reading() as connection:
        rows = connection.execute("SELECT seq FROM removals WHERE generation > ?", (since,))
        return [row[0] for row in rows]
