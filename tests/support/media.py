"""Small pictures and videos for tests, whole and broken."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.opencv import cv2


def gradient(height: int = 96, width: int = 48, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth colourful RGB picture: lossy formats keep it within a few grey levels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 3, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, dtype=np.uint8)


def encode(rgb: NDArray[np.uint8], extension: str = ".jpg", *parameters: int) -> bytes:
    """RGB as a picture file of the format that `extension` names."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return cv2.imencode(extension, bgr, list(parameters))[1].tobytes()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(side: int = 32_000) -> bytes:
    """A valid one-bit PNG of side x side pixels in some 120 KB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG with an EXIF segment that says how to turn it (1 to 8)."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\x00\x2a" + struct.pack(">I", 8) + struct.pack(">H", 1) + entry + bytes(4)
    body = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def write_video(
    path: Path,
    frames: int = 40,
    *,
    codec: str = "MJPG",
    size: tuple[int, int] = (96, 48),
    fps: float = 25,
) -> Path:
    """A video whose frame k is grey of level 5 k; `size` is (height, width)."""
    height, width = size
    fourcc = cv2.VideoWriter.fourcc(*codec)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, (width, height))
    assert writer.isOpened(), f"this OpenCV cannot write {codec}"
    for place in range(frames):
        writer.write(np.full((height, width, 3), 5 * place % 256, dtype=np.uint8))
    writer.release()
    return path
