"""RFC 3339 times: aware in, UTC inside, `Z` out."""

import re
from datetime import UTC, datetime

from model.errors import InvalidParameter

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_time(text: str | None, field: str) -> datetime | None:
    """A time with its zone, as UTC; None where it is absent or empty.

    Raises `InvalidParameter` for anything that is not RFC 3339, a time without a zone included.
    """
    if text is None or not text.strip():
        return None
    if not _RFC3339.fullmatch(text.strip()):
        raise InvalidParameter(f"{field} must be an RFC 3339 time with a zone")
    try:
        return datetime.fromisoformat(text.strip().upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(f"{field} is no time of the calendar") from error


def format_time(time: datetime) -> str:
    """`2024-05-01T12:00:00Z`, with microseconds only where there are any."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
