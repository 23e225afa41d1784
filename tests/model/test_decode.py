"""Pictures in, frames out: what is accepted, what is refused, and what refusing costs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.decode import decode_frames, decode_image, encode_jpeg, prepare_frames, resize_frame
from model.errors import (
    FramesOrClip,
    ImageTooLarge,
    InputRefused,
    InvalidParameter,
    TooManyFrames,
    UndecodableFrame,
)
from model.limits import DecodeLimits
from model.opencv import MAX_PIXELS, cv2
from model.pictures import picture_size
from model.sampling import central_indices
from tests.support.media import encode, gradient, png_bomb, png_chunk, with_orientation

LIMITS = DecodeLimits()
ROOT = Path(__file__).parents[2]
FORMATS = {
    "jpeg": encode(gradient(), ".jpg"),
    "progressive": encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "png": encode(gradient(), ".png"),
    "webp": encode(gradient(), ".webp", cv2.IMWRITE_WEBP_QUALITY, 90),
    "lossless webp": encode(gradient(), ".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
}
every_format = pytest.mark.parametrize("data", FORMATS.values(), ids=list(FORMATS))


@every_format
def test_every_format_decodes_to_rgb(data: bytes) -> None:
    rgb = decode_image(data, LIMITS)

    assert rgb.dtype == np.uint8
    assert rgb.shape == (96, 48, 3)
    assert np.abs(rgb.astype(int) - gradient()).mean() < 4


def test_grey_sixteen_bit_palette_and_alpha_become_rgb_bytes() -> None:
    grey = gradient()[:, :, 0]
    deep = gradient().astype(np.uint16) * 257
    alpha = np.dstack([gradient()[:, :, ::-1], np.zeros((96, 48), dtype=np.uint8)])

    from_grey = decode_image(cv2.imencode(".png", grey)[1].tobytes(), LIMITS)
    from_deep = decode_image(cv2.imencode(".png", deep[:, :, ::-1])[1].tobytes(), LIMITS)
    from_alpha = decode_image(cv2.imencode(".png", alpha)[1].tobytes(), LIMITS)

    np.testing.assert_array_equal(from_grey, np.dstack([grey] * 3))
    np.testing.assert_array_equal(from_deep, gradient())
    # Transparency is dropped: a pixel's own colour counts.
    np.testing.assert_array_equal(from_alpha, gradient())


def test_exif_orientation_is_applied_and_not_kept() -> None:
    upright = decode_image(FORMATS["jpeg"], LIMITS)

    turned = decode_image(with_orientation(FORMATS["jpeg"], 6), LIMITS)

    np.testing.assert_array_equal(turned, np.rot90(upright, -1))
    assert b"Exif" not in encode_jpeg(turned)


@every_format
def test_every_shortened_file_is_refused(data: bytes) -> None:
    for length in [*range(0, len(data), max(len(data) // 60, 1)), len(data) - 1]:
        with pytest.raises(UndecodableFrame):
            decode_image(data[:length], LIMITS)
        # Not only OpenCV finds that: its formats differ in what they let pass.
        with pytest.raises(UndecodableFrame):
            picture_size(data[:length])


@every_format
def test_a_picture_that_decodes_to_another_size_than_it_says_is_refused(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.decode.picture_size", lambda _: (5, 7))

    with pytest.raises(UndecodableFrame, match="not of the size"):
        decode_image(data, LIMITS)


@every_format
def test_what_follows_the_end_does_not_count(data: bytes) -> None:
    polyglot = data + b"PK\x03\x04<script>alert(1)</script>"

    rgb = decode_image(polyglot, LIMITS)

    np.testing.assert_array_equal(rgb, decode_image(data, LIMITS))
    assert b"script" not in encode_jpeg(rgb)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_a_mutated_picture_is_decoded_or_refused(kind: str, draw: st.DataObject) -> None:
    data = bytearray(FORMATS[kind])
    for place in draw.draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=8)):
        data[place] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(data)))

    for candidate in (bytes(data), bytes(data[:cut]), bytes(data[cut:])):
        try:
            rgb = decode_image(candidate, LIMITS)
        except InputRefused:
            continue
        assert rgb.ndim == 3
        assert rgb.size <= 3 * MAX_PIXELS


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF"]), st.binary())
def test_noise_is_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises(UndecodableFrame):
        decode_image(start + rest, LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + bytes(60),
        b"BM" + bytes(60),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\x00\x00\x00\x1cftypavif" + bytes(60),
        b"P6 1 1 255 abc",
    ],
)
def test_other_formats_are_refused_although_opencv_knows_some(data: bytes) -> None:
    with pytest.raises(UndecodableFrame):
        decode_image(data, LIMITS)


def test_animations_are_not_one_frame() -> None:
    png = FORMATS["png"]
    header_end = 8 + 25
    apng = png[:header_end] + png_chunk(b"acTL", bytes([0, 0, 0, 2, 0, 0, 0, 0])) + png[header_end:]
    animation = cv2.Animation()
    animation.frames = [gradient(seed=1), gradient(seed=2)]
    animation.durations = [40, 40]
    webp = cv2.imencodeanimation(".webp", animation)[1].tobytes()

    for data in (apng, webp):
        with pytest.raises(UndecodableFrame, match="animated"):
            decode_image(data, LIMITS)


def test_a_picture_with_a_wrong_checksum_is_refused() -> None:
    data = bytearray(FORMATS["png"])
    data[-1] ^= 1

    with pytest.raises(UndecodableFrame, match="broken"):
        decode_image(bytes(data), LIMITS)


def test_a_jpeg_of_a_thousand_scans_is_refused_before_decoding() -> None:
    data = FORMATS["progressive"]
    last_scan = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[last_scan:-2] * 1_000 + data[-2:]

    with pytest.raises(UndecodableFrame, match="scans"):
        decode_image(bomb, LIMITS)


def jpeg_of_size(height: int, width: int) -> bytes:
    """A JPEG whose header lies about its size."""
    data = bytearray(FORMATS["jpeg"])
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = height.to_bytes(2) + width.to_bytes(2)
    return bytes(data)


def webp_of_size(side: int) -> bytes:
    data = bytearray(FORMATS["webp"])
    place = data.index(b"\x9d\x01\x2a")
    data[place + 3 : place + 7] = side.to_bytes(2, "little") * 2
    return bytes(data)


@pytest.mark.parametrize(
    "bomb",
    [png_bomb(), jpeg_of_size(65_535, 65_535), webp_of_size(16_383)],
    ids=["png", "jpeg", "webp"],
)
def test_a_bomb_costs_neither_memory_nor_time(bomb: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(bomb)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from model.decode import decode_image\n"
        "from model.errors import ImageTooLarge\n"
        "from model.limits import DecodeLimits\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try:\n"
        "    decode_image(data, DecodeLimits(), frame=7)\n"
        "except ImageTooLarge as error:\n"
        "    print(error.frame, peak() - before)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, path], cwd=ROOT, capture_output=True, check=True, timeout=60
    )

    frame, kilobytes = map(int, done.stdout.split())
    assert frame == 7
    assert kilobytes < 20_000


def test_opencv_itself_refuses_what_is_larger_than_the_limit() -> None:
    """The second line of defence, should a header be read differently there."""
    with pytest.raises(cv2.error):
        cv2.imdecode(np.frombuffer(png_bomb(8_000), dtype=np.uint8), cv2.IMREAD_COLOR)


def test_limits_on_bytes_and_pixels() -> None:
    data = FORMATS["jpeg"]

    decode_image(data, DecodeLimits(frame_bytes=len(data), frame_pixels=96 * 48))
    with pytest.raises(ImageTooLarge, match="bytes"):
        decode_image(data, DecodeLimits(frame_bytes=len(data) - 1))
    with pytest.raises(ImageTooLarge, match="48 x 96 pixels"):
        decode_image(data, DecodeLimits(frame_pixels=96 * 48 - 1))
    with pytest.raises(InvalidParameter):
        DecodeLimits(frame_pixels=MAX_PIXELS + 1)


@pytest.mark.parametrize("n", [1, 5, 32, 33, 100])
def test_a_tracklet_is_sampled_and_resized(n: int) -> None:
    files = [encode(np.full((60, 30, 3), place, dtype=np.uint8), ".png") for place in range(n)]

    tracklet = decode_frames(files, 32, 64, 32, LIMITS)

    assert tracklet.received == n
    assert list(tracklet.sampled) == central_indices(n, 32).tolist()
    assert tracklet.frames.shape == (min(n, 32), 64, 32, 3)
    assert tracklet.frames[:, 0, 0, 0].tolist() == list(tracklet.sampled)


@pytest.mark.parametrize("threads", [1, 4])
def test_frames_of_all_formats_mix_and_threads_change_nothing(threads: int) -> None:
    files = list(FORMATS.values()) * 8

    one = decode_frames(files, 32, 64, 32, LIMITS, threads=1)
    other = decode_frames(files, 32, 64, 32, LIMITS, threads=threads)

    np.testing.assert_array_equal(one.frames, other.frames)


@pytest.mark.parametrize("place", [0, 1, 39])
@pytest.mark.parametrize("threads", [1, 4])
def test_one_bad_frame_is_named_even_where_it_is_not_sampled(place: int, threads: int) -> None:
    files = [FORMATS["jpeg"]] * 40
    files[place] = b"not a picture"

    with pytest.raises(UndecodableFrame) as refused:
        decode_frames(files, 8, 64, 32, LIMITS, threads=threads)

    assert refused.value.frame == place


def test_the_first_of_several_bad_frames_is_named() -> None:
    files = [FORMATS["jpeg"]] * 40
    files[9], files[5] = b"", FORMATS["png"][:-5]

    with pytest.raises(UndecodableFrame) as refused:
        decode_frames(files, 32, 64, 32, LIMITS)

    assert refused.value.frame == 5


def test_the_number_of_frames_is_limited() -> None:
    with pytest.raises(FramesOrClip):
        decode_frames([], 32, 64, 32, LIMITS)
    with pytest.raises(TooManyFrames, match="3 frames"):
        decode_frames([b"", b"", b""], 32, 64, 32, DecodeLimits(max_frames=2))


@pytest.mark.parametrize(
    ("wide", "high", "uncropped"), [(0, 3, False), (1, 1, False), (2, 1, True), (3, 0, True)]
)
def test_wide_frames_look_uncropped(wide: int, high: int, uncropped: bool) -> None:
    files = [encode(gradient(40, 60))] * wide + [encode(gradient(60, 40))] * high

    tracklet = decode_frames(files, 32, 64, 32, LIMITS)

    assert tracklet.crops_wider_than_high == wide
    assert tracklet.looks_uncropped is uncropped


def test_large_frames_that_are_not_sampled_are_checked_too() -> None:
    large = encode(gradient(900, 600))
    assert decode_frames([large] * 5, 2, 64, 32, LIMITS).sampled == (0, 3)

    with pytest.raises(UndecodableFrame) as refused:
        decode_frames([large, large, large, large, large[:-2_000]], 2, 64, 32, LIMITS)

    assert refused.value.frame == 4


def test_all_frames_together_have_a_limit_that_is_seen_before_decoding() -> None:
    small = encode(gradient(20, 10))
    limits = replace(LIMITS, frame_pixels=1_000, upload_pixels=2_000)
    assert decode_frames([small] * 10, 4, 64, 32, limits).received == 10

    with pytest.raises(ImageTooLarge, match="2,000 pixels") as refused:
        decode_frames([small] * 13, 4, 64, 32, limits)

    assert refused.value.frame == 10


def test_what_is_no_picture_is_named_before_the_sum() -> None:
    good = encode(gradient(20, 10))
    limits = replace(LIMITS, frame_pixels=1_000, upload_pixels=2_000)

    with pytest.raises(UndecodableFrame) as refused:
        decode_frames([good] * 3 + [good[:-50]] + [good] * 20, 4, 64, 32, limits)

    assert refused.value.frame == 3


def test_kept_pictures_are_the_sampled_frames_encoded_anew() -> None:
    files = [encode(gradient(seed=place), ".png") for place in range(3)]

    tracklet = decode_frames(files, 32, 96, 48, LIMITS)
    pictures = tracklet.pictures()

    assert len(pictures) == 3
    for frame, picture in zip(tracklet.frames, pictures, strict=True):
        assert picture.startswith(b"\xff\xd8")
        assert picture not in files
        again = decode_image(picture, LIMITS)
        assert np.abs(again.astype(int) - frame).mean() < 4


def test_crops_that_are_pixels_already_take_the_same_way() -> None:
    crops = [gradient(60 + place, 30) for place in range(40)]
    files = [encode(crop, ".png") for crop in crops]

    prepared = prepare_frames(crops, 32, 64, 32)
    decoded = decode_frames(files, 32, 64, 32, LIMITS)

    np.testing.assert_array_equal(prepared.frames, decoded.frames)
    assert prepared.sampled == decoded.sampled
    assert prepared.received == 40
    with pytest.raises(FramesOrClip):
        prepare_frames([], 32, 64, 32)


@pytest.mark.parametrize(
    ("size", "interpolation"),
    [
        ((200, 100), cv2.INTER_AREA),
        ((20, 10), cv2.INTER_LINEAR),
        ((200, 10), cv2.INTER_LINEAR),
        ((64, 100), cv2.INTER_LINEAR),
    ],
)
def test_the_resize_averages_only_where_both_sides_shrink(
    size: tuple[int, int], interpolation: int
) -> None:
    rgb = gradient(*size)

    expected = cv2.resize(rgb, (32, 64), interpolation=interpolation)

    np.testing.assert_array_equal(resize_frame(rgb, 64, 32), expected)


def test_a_frame_of_the_right_size_stays_as_it_is() -> None:
    rgb = gradient(64, 32)

    np.testing.assert_array_equal(resize_frame(rgb, 64, 32), rgb)
