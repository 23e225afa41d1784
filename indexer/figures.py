"""What a gallery can tell about itself in numbers."""

from indexer.records import Stats, Vitals
from indexer.room import bytes_below
from indexer.store import Store


def stats(store: Store, index_device: str) -> Stats:
    """How much the gallery holds."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT identity), count(DISTINCT camera),"
            " coalesce(sum(pictures), 0), (SELECT generation FROM gallery) FROM tracklets"
        ).fetchone()
    return Stats(
        tracklets=row[0],
        identities=row[1],
        cameras=row[2],
        pictures=row[3],
        bytes_on_disk=bytes_below(store.file.parent),
        model_id=store.model_id,
        embedding_width=store.width,
        generation=row[4],
        index_device=index_device,
    )


def vitals(store: Store, index_generation: int, unwritten_audit_entries: int) -> Vitals:
    """Whether the gallery keeps up with itself."""
    with store.reading() as connection:
        row = connection.execute(
            "SELECT (SELECT generation FROM gallery),"
            " (SELECT count(*) FROM erasures WHERE bytes_gone = 0)"
        ).fetchone()
    return Vitals(
        generation=row[0],
        index_generation=index_generation,
        open_erasures=row[1],
        unwritten_audit_entries=unwritten_audit_entries,
    )
