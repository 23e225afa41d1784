"""Small files that want to become large: each must be refused, and cost next to nothing.

Pictures whose headers promise more pixels than there may be, pictures that unpack to gigabytes, and
videos with lying headers, endless frames, or frames that take for ever. The peak memory of the
service and of its decoding children is read while each is sent.
"""

import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from benchmarks.serving import Service, memory
from benchmarks.tally import Campaign, Tally
from benchmarks.traffic import Answer, ask, crops, form, request

_GROWTH_MIB = 400
_CHILD_MIB = 1536
_POLL_SECONDS = 0.005


def png(
    width: int,
    height: int,
    *,
    bits: int = 1,
    colour: int = 0,
    extra: bytes = b"",
    fill: bool = True,
) -> bytes:
    """A PNG of nothing but zeros, complete if `fill`, in very few bytes."""
    samples = {0: 1, 2: 3, 6: 4}[colour]
    packer = zlib.compressobj(9)
    row = bytes(1 + (width * bits * samples + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height if fill else 1)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _text_bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
    return _chunk(b"zTXt", b"k\0\0" + packed)


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small JPEG whose frame header says otherwise."""
    data = bytearray(crops(1, 1)[0])
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def many_scans(count: int) -> bytes:
    """A progressive JPEG that repeats its last scan again and again."""
    picture = np.zeros((1024, 1024, 3), np.uint8)
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    start = data.rindex(b"\xff\xda")
    return data[:-2] + data[start:-2] * count + data[-2:]


def pictures() -> Iterator[tuple[str, list[bytes]]]:
    """Name and parts of every bomb that poses as pictures."""
    good = crops(2, 1)[0]
    yield "PNG of 32000 x 32000", [png(32_000, 32_000)]
    yield "PNG that claims 2^31 x 2^31", [png(2**31 - 1, 2**31 - 1, fill=False)]
    yield "PNG just above the limit", [good, png(4100, 4100, bits=8, colour=2)]
    yield "JPEG that claims 65500 x 65500", [jpeg_claiming(65_500, 65_500)]
    yield "JPEG of 2,000 scans", [many_scans(2000)]
    yield "PNG with 2 GiB of text", [png(64, 64, extra=_text_bomb(2048))]
    webp = cv2.imencode(".webp", np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    at = webp.index(b"\x9d\x01\x2a") + 3 if b"\x9d\x01\x2a" in webp else len(webp) - 4
    yield (
        "WebP that claims 16383 x 16383",
        [webp[:at] + struct.pack("<HH", 16_383, 16_383) + webp[at + 4 :]],
    )
    largest = png(4096, 4096, bits=8, colour=2)
    yield "200 PNGs of the largest size", [largest] * 200
    yield (
        "one PNG of the largest size, 16 bits with alpha",
        [png(4096, 4096, bits=16, colour=6)],
    )


def videos(folder: Path, *, quick: bool) -> Iterator[tuple[str, bytes]]:
    """Every bomb that poses as a video."""
    avi = _video(folder / "a.avi", "MJPG", (64, 48), 5)
    yield "AVI that claims 60000 x 60000", _claim(avi, 60_000, 60_000)
    yield "AVI that claims 2^31 frames", _claim_frames(avi, 2**31 - 1)
    yield (
        "AVI whose frames are larger than it says",
        _claim(_video(folder / "b.avi", "MJPG", (2048, 2048), 2), 64, 48),
    )
    yield "mp4 of 6,000 frames", _video(folder / "c.mp4", "mp4v", (32, 32), 6000)
    yield (
        "mp4 of an hour at a frame a minute",
        _video(folder / "d.mp4", "mp4v", (32, 32), 60, fps=1 / 60),
    )
    yield "AVI of frames above the limit", _video(folder / "e.avi", "MJPG", (4096, 3072), 3)
    yield "mp4 cut off", _video(folder / "f.mp4", "mp4v", (320, 240), 100)[:-500]
    if not quick:
        yield (
            "AVI of 1,200 frames of the largest size",
            _video(folder / "g.avi", "MJPG", (3072, 3072), 1200, quality=1),
        )


def _video(
    path: Path,
    codec: str,
    size: tuple[int, int],
    frames: int,
    *,
    fps: float = 25,
    quality: int | None = None,
) -> bytes:
    """A black video of `size` = (width, height)."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
    if quality is not None:
        writer.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    for _ in range(frames):
        writer.write(frame)
    writer.release()
    return path.read_bytes()


def _claim(avi: bytes, width: int, height: int) -> bytes:
    """An AVI whose headers say another size: that of the file and that of the stream."""
    data = bytearray(avi)
    main, stream = data.index(b"avih") + 8 + 32, data.index(b"strf") + 8 + 4
    for at in (main, stream):
        data[at : at + 8] = struct.pack("<II", width, height)
    return bytes(data)


def _claim_frames(avi: bytes, frames: int) -> bytes:
    data = bytearray(avi)
    for at in (data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32):
        data[at : at + 4] = struct.pack("<I", frames)
    return bytes(data)


@contextmanager
def watched(service: Service) -> Iterator[dict[str, float]]:
    """The most memory of the service and of its children while the block runs, in MiB."""
    peaks, over = {"service": 0.0, "children": 0.0}, threading.Event()

    def watch() -> None:
        while not over.is_set():
            peaks["service"] = max(peaks["service"], service.rss() / 2**20)
            # Each tells the most that it ever had: nothing is missed between two looks but a
            # child's very last moments.
            children = sum(memory(pid, "VmHWM") for pid in service.children())
            peaks["children"] = max(peaks["children"], children / 2**20)
            time.sleep(_POLL_SECONDS)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()


def _judge(tally: Tally, name: str, answer: Answer, peaks: dict[str, float], before: float) -> None:
    grown = peaks["service"] - before
    tally.count("bombs")
    tally.count("refused", 400 <= answer.status < 500)
    tally.peak("grown", grown)
    tally.peak("service", peaks["service"])
    tally.peak("children", peaks["children"])
    tally.peak("seconds", answer.seconds)
    costs = f"{answer.status} {answer.code}, +{grown:.0f} MiB, child {peaks['children']:.0f} MiB, "
    tally.measured[name] = costs + f"{answer.seconds:.1f} s"
    tally.expect(answer.status < 500, f"{name}: {answer.status}")
    tally.expect(grown < _GROWTH_MIB, f"{name}: the service grew by {grown:.0f} MiB")
    tally.expect(peaks["children"] < _CHILD_MIB, f"{name}: a child of {peaks['children']:.0f} MiB")


def run(seed: int, quick: bool) -> Tally:
    del seed
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder) / "gallery") as service:
        ask(service.address, request("POST", "/query", form(crops(1, 32))))
        bodies = [(name, form(parts)) for name, parts in pictures()]
        bodies += [(name, form(clip=data)) for name, data in videos(Path(folder), quick=quick)]
        for name, body in bodies:
            before = service.rss() / 2**20
            with watched(service) as peaks:
                answer = ask(service.address, request("POST", "/query", body))
            _judge(tally, name, answer, peaks, before)
        good = ask(service.address, request("POST", "/query", form(crops(1, 32))))
        tally.expect(good.status == 200, "an ordinary query is not answered afterwards")
        tally.peak("peak", service.peak_rss() / 2**20)
    return tally


BOMBS = Campaign(
    name="bombs",
    title="picture and video bombs",
    run=run,
    done="{bombs} files: pictures that claim or unpack to gigabytes, videos with lying headers, "
    "endless or slow ones",
    seen="{refused} refused, the others decoded within the limits; the service grew by at most "
    "{grown:.0f} MiB (peak {peak:.0f} MiB), its decoding children had at most {children:.0f} MiB; "
    "the slowest answer took {seconds:.1f} s",
)
