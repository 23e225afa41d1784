"""What strangers may send: refused with the right code, and nothing of it is stored."""

import struct
import zlib
from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from tests.service.conftest import MakeClient
from tests.service.helpers import Part, form, frames, jpegs


def png_bomb(side: int = 32_000) -> bytes:
    """A PNG whose header promises side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


GOOD = jpegs(1, 3)

CASES: dict[str, tuple[list[Part], int, str, int | None]] = {
    "no part but a name": (form(camera="c1"), 422, "frames_or_clip", None),
    "frames and clip": (
        [*frames(GOOD), ("clip", ("c.mp4", b"x", "video/mp4"))],
        422,
        "frames_or_clip",
        None,
    ),
    "two clips": ([("clip", ("c.mp4", b"x"))] * 2, 422, "frames_or_clip", None),
    "boxes without a clip": (form(1, boxes="[[0,1,2,3,4]]"), 422, "invalid_parameter", None),
    "an empty frame": (frames([GOOD[0], b""]), 422, "undecodable_frame", 1),
    "a text as a frame": (frames([b"hello"]), 422, "undecodable_frame", 0),
    "a truncated frame": (frames([*GOOD, GOOD[0][:200]]), 422, "undecodable_frame", 3),
    "a bomb": (frames([GOOD[0], png_bomb()]), 422, "image_too_large", 1),
    "no video": ([("clip", ("c.mp4", b"hello"))], 422, "undecodable_clip", None),
    "an unknown field": (form(1, surprise="1"), 422, "invalid_parameter", None),
    "a field twice": (form(1, camera=["c1", "c2"]), 422, "invalid_parameter", None),
    "a path for a name": (form(1, camera="../etc"), 422, "invalid_parameter", None),
    "a long name": (form(1, camera="c" * 129), 422, "invalid_parameter", None),
    "no time": (form(1, captured_at="noon"), 422, "invalid_parameter", None),
    "an end before the start": (
        form(1, captured_at="2024-05-01T10:00:00Z", captured_until="2024-05-01T09:00:00Z"),
        422,
        "invalid_parameter",
        None,
    ),
}


@pytest.mark.parametrize("path", ["/tracklets", "/query"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_forms(client: TestClient, path: str, case: str) -> None:
    parts, status, code, frame = CASES[case]

    response = client.post(path, files=parts)

    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert problem.get("frame") == frame
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} <= set(problem)
    assert "surprise" not in response.text
    assert client.get("/status").json()["gallery"]["tracklets"] == 0
    assert client.get("/status").json()["queue_depth"] == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("top_k", ["0", "101", "x", "1.5"]),
        ("far", ["0.2", "0.00001", "nan", "x"]),
        ("min_score", ["nan", "inf", "2"]),
        ("tracklets_per_identity", ["0", "51"]),
        ("rerank", ["maybe"]),
        ("explain", ["everything"]),
        ("tracklet_id", ["../x"]),
        ("captured_after", ["2024-13-01T00:00:00Z"]),
        ("cameras", ["a\\b"]),
    ],
)
def test_bad_query_fields(client: TestClient, name: str, values: Sequence[str]) -> None:
    for value in values:
        seed = None if name == "tracklet_id" else 1
        response = client.post("/query", files=form(seed, n=1, **{name: value}))
        assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter"), value


@pytest.mark.parametrize("value", ["[]", "nope", '{"x": NaN}', '{"x": "' + "y" * 4096 + '"}'])
def test_bad_attributes(client: TestClient, value: str) -> None:
    response = client.post("/tracklets", files=form(1, attributes=value))

    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")


@pytest.mark.parametrize("path", ["/tracklets", "/query"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_empty_boxes_are_no_boxes(client: TestClient, path: str, empty: str) -> None:
    without = client.post(path, files=form(1, n=2))
    with_empty = client.post(path, files=form(1, n=2, boxes=empty))

    assert with_empty.status_code == without.status_code


def test_empty_boxes_are_the_same_content_as_none(client: TestClient) -> None:
    first = client.post("/tracklets", files=form(1, tracklet_id="a1"))
    again = client.post("/tracklets", files=form(1, tracklet_id="a1", boxes=""))

    assert (first.status_code, again.status_code) == (201, 200)


def test_an_upload_has_a_limit_on_all_its_pixels(make_client: MakeClient) -> None:
    client = make_client(max_frame_pixels=10_000, max_upload_pixels=20_480)
    ten, eleven = (frames(jpegs(1, n)) for n in (10, 11))  # 2048 pixels each

    assert client.post("/query", files=ten).status_code == 200
    response = client.post("/query", files=eleven)

    assert (response.status_code, response.json()["code"]) == (422, "image_too_large")
    assert response.json()["frame"] == 10


def test_empty_texts_mean_absent(client: TestClient) -> None:
    empty = dict.fromkeys(("camera", "identity", "tracklet_id", "captured_at", "attributes"), "")

    tracklet = client.post("/tracklets", files=form(1, **empty)).json()

    assert tracklet["camera"] is None
    assert tracklet["identity"] is None
    assert tracklet["attributes"] == {}


def test_pictures_or_an_id_but_not_both(client: TestClient) -> None:
    response = client.post("/query", files=form(1, tracklet_id="a1"))

    assert (response.status_code, response.json()["code"]) == (422, "frames_or_clip")


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", b"camera=c1", 415, "unsupported_media_type"),
        ("", b"x", 415, "unsupported_media_type"),
        ("multipart/form-data", b"x", 400, "malformed_body"),
        ("multipart/form-data; boundary=" + "b" * 300, b"x", 400, "malformed_body"),
        ("multipart/form-data; boundary=b", b"nonsense", 400, "malformed_body"),
        ("multipart/form-data; boundary=b", b"", 400, "malformed_body"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="camera"\r\n\r\nc1',
            400,
            "malformed_body",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="camera"\r\n\r\n\xff\r\n--b--\r\n',
            422,
            "invalid_parameter",
        ),
    ],
)
def test_malformed_bodies(
    client: TestClient, content_type: str, body: bytes, status: int, code: str
) -> None:
    for path in ("/query", "/tracklets"):
        response = client.post(path, content=body, headers={"content-type": content_type})
        assert (response.status_code, response.json()["code"]) == (status, code)


def test_limits_on_parts_frames_bytes(make_client: MakeClient) -> None:
    client = make_client(max_parts=20, max_frames=5, max_frame_bytes=2000, max_body_bytes=100_000)
    small = b"x" * 10

    def code(parts: list[Part]) -> tuple[int, str]:
        response = client.post("/query", files=parts)
        return response.status_code, response.json()["code"]

    assert code(frames([small] * 6)) == (422, "too_many_frames")
    assert code(frames([small] * 21)) == (413, "too_many_parts")
    assert code(frames([small] * 10_000)) == (413, "body_too_large")
    assert code(frames([b"x" * 2001])) == (422, "image_too_large")
    assert code(frames([b"x" * 100_001])) == (413, "body_too_large")


def test_ten_thousand_parts(client: TestClient) -> None:
    response = client.post("/query", files=frames([b"x"] * 10_000))

    assert (response.status_code, response.json()["code"]) == (413, "too_many_parts")


def test_an_unknown_path_and_method_are_problems(client: TestClient) -> None:
    assert client.get("/nothing").json()["code"] == "not_found"
    assert client.put("/tracklets").json()["code"] == "method_not_allowed"
    assert client.get("/docs").status_code == 404
