"""What a picture's bytes say before anything decodes them: format, size, whether they are whole.

A picture's size is read here so that a bomb (121 KB of PNG that unfold to 32000 x 32000 pixels) is
refused before memory is taken for it. The format comes from the content; the declared type of an
upload does not count. What follows a picture's end is never looked at, kept or served.
"""

import re
import zlib
from collections.abc import Iterator

from model.errors import UndecodableFrame

Size = tuple[int, int]
"""Height and width in pixels, as stored (before any EXIF rotation)."""

_MOST_SEGMENTS = 65_536
# Each scan of a progressive JPEG costs a pass over the whole picture and a few bytes of file.
_MOST_SCANS = 64

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# A JPEG marker that is neither stuffing, padding, a restart nor one without content.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_JPEG_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9


def picture_size(data: bytes) -> Size:
    """Height and width of a JPEG, PNG or WebP picture.

    Raises `UndecodableFrame` for every other content, for a picture that is cut short, whose
    structure is broken, or that is animated (an animation is not one frame).
    """
    if not data:
        raise UndecodableFrame("the file is empty")
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(data)
    if data.startswith(_PNG_SIGNATURE):
        return _png_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    raise UndecodableFrame("the file is no JPEG, PNG or WebP picture")


def _jpeg_size(data: bytes) -> Size:
    sizes: list[Size] = []
    scans = 0
    for code, start, end in _jpeg_segments(data):
        if code in _JPEG_FRAMES:
            height, width = data[start + 1 : start + 3], data[start + 3 : start + 5]
            sizes.append((int.from_bytes(height), int.from_bytes(width)))
            if end - start < 6:
                raise UndecodableFrame("the JPEG's frame header is cut short")
        scans += code == _JPEG_SCAN
        if scans > _MOST_SCANS:
            raise UndecodableFrame(f"the JPEG has more than {_MOST_SCANS} scans")
    if len(sizes) != 1 or not scans:
        raise UndecodableFrame("the JPEG does not hold exactly one picture")
    return _not_empty(*sizes[0])


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each segment's marker and where its content starts and ends, up to the end marker.

    Coded picture data between segments is skipped by looking for the next marker, as libjpeg does.
    """
    position = 2
    for _ in range(_MOST_SEGMENTS):
        marker = _JPEG_MARKER.search(data, position)
        if marker is None:
            break
        code, start = data[marker.end() - 1], marker.end() + 2
        if code == _JPEG_END:
            return
        position = marker.end() + int.from_bytes(data[marker.end() : start])
        if not start <= position <= len(data):
            break
        yield code, start, position
    raise UndecodableFrame("the JPEG is cut short or broken")


def _png_size(data: bytes) -> Size:
    size: Size | None = None
    position = len(_PNG_SIGNATURE)
    for _ in range(_MOST_SEGMENTS):
        length = int.from_bytes(data[position : position + 4])
        body, end = position + 8, position + 8 + length
        kind = data[position + 4 : body]
        if end + 4 > len(data) or zlib.crc32(data[position + 4 : end]) != int.from_bytes(
            data[end : end + 4]
        ):
            break
        if (kind == b"IHDR") != (size is None):
            break
        if size is None:
            size = int.from_bytes(data[body + 4 : body + 8]), int.from_bytes(data[body : body + 4])
        if kind == b"acTL":
            raise UndecodableFrame("the PNG is animated")
        if kind == b"IEND":
            return _not_empty(*size)
        position = end + 4
    raise UndecodableFrame("the PNG is cut short or broken")


def _webp_size(data: bytes) -> Size:
    sizes: set[Size] = set()
    end = 8 + int.from_bytes(data[4:8], "little")
    position = 12
    if end > len(data):
        raise UndecodableFrame("the WebP is cut short")
    for _ in range(_MOST_SEGMENTS):
        if position + 8 > end:
            break
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + min(length, 10)]
        if kind in {b"ANIM", b"ANMF"}:
            raise UndecodableFrame("the WebP is animated")
        if kind in {b"VP8X", b"VP8 ", b"VP8L"}:
            sizes.add(_webp_chunk_size(kind, body))
        position += 8 + length + length % 2  # chunks are padded to even sizes
    if len(sizes) != 1:
        raise UndecodableFrame("the WebP does not hold exactly one picture")
    return _not_empty(*sizes.pop())


def _webp_chunk_size(kind: bytes, body: bytes) -> Size:
    """Canvas or picture size from the first 10 bytes of a WebP chunk (RFC 9649, section 2)."""
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[7:10], "little"), 1 + int.from_bytes(body[4:7], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF)
    height, width = int.from_bytes(body[8:10], "little"), int.from_bytes(body[6:8], "little")
    return height & 0x3FFF, width & 0x3FFF  # the two upper bits ask for upscaling


def _not_empty(height: int, width: int) -> Size:
    if not height or not width:
        raise UndecodableFrame("the picture has no pixels")
    return height, width
