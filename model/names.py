"""Which texts may name a tracklet, an identity or a camera.

They stand in URLs and file names, so the rules are strict and the same wherever a name comes from.
"""

import re
import unicodedata

from model.errors import InvalidParameter

MAX_NAME = 128

_TRACKLET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def clean_name(text: str | None, field: str) -> str | None:
    """A name in Unicode NFC without surrounding space; None where it is absent or empty.

    Raises `InvalidParameter` (which names `field`, never the text) for more than 128 characters,
    control characters and other unprintables, slashes, and the path names "." and "..".
    """
    if text is None:
        return None
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        return None
    if len(name) > MAX_NAME:
        raise InvalidParameter(f"{field} is longer than {MAX_NAME} characters")
    # Cc control, Cs lone surrogate, Zl/Zp line separators: none survives a log line or a URL.
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise InvalidParameter(f"{field} holds a control character")
    if "/" in name or "\\" in name or name in {".", ".."}:
        raise InvalidParameter(f"{field} must be a plain name, not a path")
    return name


def clean_tracklet_id(text: str) -> str:
    """A client's tracklet id as it is. Raises `InvalidParameter` where it breaks the rule."""
    if not _TRACKLET_ID.fullmatch(text):
        raise InvalidParameter(
            "tracklet_id must be 1 to 128 characters of A-Z a-z 0-9 . _ : - "
            "and begin with a letter or a digit"
        )
    return text
