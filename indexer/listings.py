"""What can be listed, page by page, and the cursors between the pages."""

from typing import Any

from indexer import audit, identities, rows
from indexer.records import AuditEntry, Filter, IdentitySummary, Page, Tracklet
from indexer.store import Store

_Position = list[Any]


class Listings:
    """Of one store. Every method raises `InvalidParameter` for a cursor that is none of ours."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tracklets(self, wanted: Filter, limit: int, cursor: str | None) -> Page[Tracklet]:
        """In enrolment order."""
        after = self._position("tracklets", cursor) or [0]
        where = rows.condition(wanted)
        # The condition holds placeholders only; see `rows.condition`.
        statement = rows.SELECT + f"WHERE seq > ? AND {where.sql} ORDER BY seq LIMIT ?"
        with self._store.reading() as connection:
            found = connection.execute(statement, (*after, *where.values, limit + 1)).fetchall()
        items = tuple(rows.to_tracklet(row) for row in found[:limit])
        more = len(found) > limit
        return Page(items, self._cursor("tracklets", [found[limit - 1][0]] if more else None))

    def identities(self, prefix: str, limit: int, cursor: str | None) -> Page[IdentitySummary]:
        """In the order of their names."""
        (after,) = self._position("identities", cursor) or [""]
        with self._store.reading() as connection:
            found = identities.summaries(connection, prefix, after, limit + 1)
        more = len(found) > limit
        last = [found[limit - 1].identity] if more else None
        return Page(tuple(found[:limit]), self._cursor("identities", last))

    def path(self, identity: str, limit: int, cursor: str | None) -> Page[Tracklet]:
        """An identity's tracklets in time order, those without a time last."""
        after = self._position("path", cursor)
        with self._store.reading() as connection:
            found = identities.path(connection, identity, after, limit + 1)
        last = found[limit - 1][0] if len(found) > limit else None
        return Page(tuple(item for _, item in found[:limit]), self._cursor("path", last))

    def audit(self, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Newest first."""
        (before,) = self._position("audit", cursor) or [None]
        with self._store.reading() as connection:
            found = audit.newest(connection, limit + 1, before)
        last = [found[limit - 1].entry] if len(found) > limit else None
        return Page(found[:limit], self._cursor("audit", last))

    def _position(self, listing: str, cursor: str | None) -> _Position | None:
        return None if cursor is None else self._store.hashes.read_cursor(listing, cursor)

    def _cursor(self, listing: str, position: _Position | None) -> str | None:
        return None if position is None else self._store.hashes.write_cursor(listing, position)
