"""Vectors made anew from the store, for a view that goes over to another generation of scoring."""

import json
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.normalisation import Normalisation
from indexer.schema import BYTES_PER_COMPONENT
from indexer.store import Store


def renewed(
    store: Store,
    seqs: NDArray[np.int64],
    cameras: Sequence[str | None],
    normalisation: Normalisation,
) -> NDArray[np.float16]:
    """Vectors [n, D] of the rows `seqs` as they are compared by `normalisation`.

    Zeros for rows that are gone or damaged. One short snapshot.
    """
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT seq, embedding, crc FROM vectors WHERE seq IN (SELECT value FROM json_each(?))",
            (json.dumps(seqs.tolist()),),
        ).fetchall()
    size = BYTES_PER_COMPONENT * store.width
    there = {row[0]: row[1] for row in rows if len(row[1]) == size and zlib.crc32(row[1]) == row[2]}
    stored = np.frombuffer(
        b"".join(there.get(seq, bytes(size)) for seq in seqs.tolist()), dtype="<f2"
    ).reshape(len(seqs), store.width)
    vectors = normalisation.stored(stored, cameras).copy()
    vectors[[seq not in there for seq in seqs.tolist()]] = 0
    return vectors
