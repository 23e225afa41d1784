"""What plain sockets see: deadlines, early refusals, clients that go away."""

import signal
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from indexer.keys import GalleryKeys
from service.protocol import DeadlineProtocol
from tests.service.helpers import jpegs
from tests.service.live import (
    FORM,
    Live,
    SlowEmbedder,
    bytes_until_broken,
    eventually,
    head,
    multipart,
    read_all,
    read_answer,
    read_whole_answer,
    upload,
)


def test_dripped_headers_end_in_408(serve: Callable[..., Live]) -> None:
    live = serve(header_seconds=0.3)
    with closing(live.connect()) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        assert read_answer(connection)[0] == 408


def test_a_silent_connection_is_closed(serve: Callable[..., Live]) -> None:
    live = serve(header_seconds=0.3)
    with closing(live.connect()) as connection:
        assert read_all(connection) == b""


def test_the_deadline_holds_on_keep_alive(serve: Callable[..., Live]) -> None:
    live = serve(header_seconds=0.5)
    with closing(live.connect()) as connection:
        connection.sendall(head("/livez", method="GET"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /livez HT")
        assert b" 408 " in read_all(connection)


def test_endless_headers_are_refused(serve: Callable[..., Live]) -> None:
    live = serve()
    with closing(live.connect()) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nX-Long: " + b"x" * 100_000)
        assert b" 431 " in read_all(connection)


def test_a_pausing_body_ends_in_408(serve: Callable[..., Live]) -> None:
    live = serve(body_idle_seconds=0.3)
    status, problem = live.ask(
        head("/query", b"Content-Type: " + FORM, b"Content-Length: 1000") + b"--b\r\n"
    )

    assert (status, problem["code"]) == (408, "request_timeout")


def test_a_huge_declared_body_is_refused_and_the_client_sees_it(
    serve: Callable[..., Live],
) -> None:
    live = serve(max_body_bytes=100_000)
    body = b"x" * 600_000  # the server's own protocol would reset the connection
    status, problem = live.ask(upload("/query", body))

    assert (status, problem["code"]) == (413, "body_too_large")


def test_a_chunked_body_is_counted_too(serve: Callable[..., Live]) -> None:
    live = serve(max_body_bytes=100_000)
    data = b'--b\r\nContent-Disposition: form-data; name="frames"\r\n\r\n' + b"x" * 300_000
    chunks = [data[place : place + 30_000] for place in range(0, len(data), 30_000)]
    status, problem = live.ask(
        head("/query", b"Content-Type: " + FORM, b"Transfer-Encoding: chunked")
        + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        + b"0\r\n\r\n"
    )

    assert (status, problem["code"]) == (413, "body_too_large")


def test_what_is_not_http_gets_a_problem_too(serve: Callable[..., Live]) -> None:
    status, problem = serve().ask(b"HELLO\r\n\r\n")

    assert (status, problem["code"]) == (400, "malformed_body")


def body_bytes(live: Live) -> float:
    """Bytes of bodies that the service itself has read."""
    (line,) = [
        line
        for line in live.parts.metrics.text().decode().splitlines()
        if line.startswith("sightline_body_bytes_total ")
    ]
    return float(line.split()[1])


@pytest.fixture
def taken_in(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of every piece that the server takes from any of its sockets."""
    sizes: list[int] = []
    real = DeadlineProtocol.data_received

    def counting(self: DeadlineProtocol, data: bytes) -> None:
        sizes.append(len(data))
        real(self, data)

    monkeypatch.setattr(DeadlineProtocol, "data_received", counting)
    return sizes


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 200000000", b"Transfer-Encoding: chunked"], ids=str
)
def test_of_a_huge_upload_that_is_refused_a_megabyte_is_read(
    serve: Callable[..., Live], taken_in: list[int], keyed: bool, framing: bytes
) -> None:
    live = serve(max_body_bytes=100_000)
    if keyed:
        live.parts.gallery.keys.create("someone", "query", None)
    chunked = framing.startswith(b"T")
    with closing(live.connect()) as connection:
        connection.sendall(head("/query", b"Content-Type: " + FORM, framing))
        if chunked:
            connection.sendall(b"fffffff\r\n" + multipart([b"x"])[:60])
        bytes_until_broken(connection)

    # Without a key nothing is read but what is dropped; with one, first what a body may have.
    assert 100_000 < sum(taken_in) <= 1_000_000 + (0 if keyed else 500_000)


def test_a_body_that_drips_ends_in_408_though_it_never_pauses(
    serve: Callable[..., Live],
) -> None:
    live = serve(body_idle_seconds=0.3, body_rate=2**20)
    with closing(live.connect()) as connection:
        connection.sendall(
            head("/query", b"Content-Type: " + FORM, b"Content-Length: 100000") + b"--b\r\n"
        )
        dripping = threading.Thread(target=bytes_until_broken, args=(connection, b"x", 0.05))
        dripping.start()
        status, problem = read_whole_answer(connection)  # who drips on is reset afterwards
        dripping.join()

    assert (status, problem["code"]) == (408, "request_timeout")


def test_expect_100_continue_is_honoured(serve: Callable[..., Live]) -> None:
    live = serve(max_body_bytes=100_000)
    body = multipart(jpegs(1))
    headers = (b"Content-Type: " + FORM, b"Expect: 100-continue", b"Connection: close")
    with closing(live.connect()) as connection:
        connection.sendall(head("/query", *headers, b"Content-Length: %d" % len(body)))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection)[0] == 200
    with closing(live.connect()) as connection:
        connection.sendall(head("/query", *headers, b"Content-Length: 999999"))
        assert read_answer(connection)[0] == 413  # and no 100 before it


def test_work_of_clients_that_left_is_dropped(serve: Callable[..., Live]) -> None:
    live = serve()
    slow = live.parts.batcher._embedder = SlowEmbedder(live.parts.embedder)
    request = upload("/tracklets", multipart(jpegs(1), tracklet_id="stays"))
    with closing(live.connect()) as stays:
        stays.sendall(request)
        assert slow.busy.wait(10)
        for place in range(3):
            with closing(live.connect()) as leaves:
                leaves.sendall(upload("/tracklets", multipart(jpegs(2), tracklet_id=f"x{place}")))
                eventually(lambda: live.parts.batcher.depth == 2)
            eventually(lambda: live.parts.batcher.depth == 1)
        slow.go.set()
        assert read_answer(stays)[0] == 201

    assert slow.embedded == 1
    assert live.parts.gallery.stats().tracklets == 1


def test_a_full_queue_refuses_early_and_keeps_what_it_took(serve: Callable[..., Live]) -> None:
    live = serve(queue=2)
    slow = live.parts.batcher._embedder = SlowEmbedder(live.parts.embedder)
    request = upload("/query", multipart(jpegs(1)))
    with closing(live.connect()) as first, closing(live.connect()) as second:
        for place, connection in enumerate((first, second), start=1):
            connection.sendall(request)
            eventually(lambda: live.parts.batcher.depth == place)  # noqa: B023
        status, problem = live.ask(request)
        slow.go.set()
        accepted = [read_answer(first)[0], read_answer(second)[0]]

    assert (status, problem["code"]) == (429, "queue_full")
    assert accepted == [200, 200]


@pytest.mark.parametrize("path", ["/query", "/tracklets"])
@pytest.mark.parametrize("framing", [b"Content-Length: 900000", b"Transfer-Encoding: chunked"])
def test_a_full_queue_refuses_before_a_byte_of_the_body_has_come(
    serve: Callable[..., Live], path: str, framing: bytes
) -> None:
    live = serve(queue=1)
    with live.parts.batcher.reserve(), closing(live.connect()) as connection:
        connection.sendall(head(path, b"Content-Type: " + FORM, framing))
        assert connection.recv(65536).startswith(b"HTTP/1.1 429")

    assert body_bytes(live) == 0


def test_a_full_queue_is_told_to_those_who_may_come_in(serve: Callable[..., Live]) -> None:
    live = serve(queue=1)
    live.parts.gallery.keys.create("someone", "query", None)
    assert live.parts.door.keyed

    with live.parts.batcher.reserve():
        status, problem = live.ask(upload("/query", multipart(jpegs(1))))

    assert (status, problem["code"]) == (401, "key_missing")


def test_a_full_queue_is_told_to_those_who_were_not_seen_lately(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.auth._KNOWN_SECONDS", -1.0)
    live = serve(queue=1)

    with live.parts.batcher.reserve():
        status, problem = live.ask(upload("/query", multipart(jpegs(1))))

    assert (status, problem["code"]) == (429, "queue_full")


def test_what_is_too_large_is_not_told_to_come_back(serve: Callable[..., Live]) -> None:
    live = serve(queue=1, max_body_bytes=100_000)
    with live.parts.batcher.reserve(), closing(live.connect()) as connection:
        connection.sendall(head("/query", b"Content-Type: " + FORM, b"Content-Length: 200000"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_who_was_let_in_a_moment_ago_is_sent_away_without_a_look_at_the_keys(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = serve(queue=1)
    key, text = live.parts.gallery.keys.create("someone", "query", None)
    assert live.parts.door.keyed
    looks = []
    real = GalleryKeys.authenticate
    monkeypatch.setattr(
        GalleryKeys, "authenticate", lambda self, text: looks.append(text) or real(self, text)
    )

    def ask(path: str, headers: bytes) -> int:
        return live.ask(upload(path, multipart(jpegs(1)), b"Authorization: Bearer " + headers))[0]

    with live.parts.batcher.reserve():
        assert [ask("/query", text.encode()) for _ in range(3)] == [429, 429, 429]
        assert len(looks) == 1
        assert ask("/tracklets", text.encode()) == 403
        assert ask("/query", b"another") == 401
    live.parts.gallery.keys.revoke(key.key_id)
    # To let somebody in, it is always looked.
    assert ask("/query", text.encode()) == 401


def test_what_needs_no_model_is_answered_while_the_queue_is_full(
    serve: Callable[..., Live],
) -> None:
    live = serve(queue=1)
    assert live.ask(upload("/tracklets", multipart(jpegs(1), tracklet_id="t")))[0] == 201

    with live.parts.batcher.reserve():
        status, answer = live.ask(upload("/query", multipart([], tracklet_id="t")))

    assert (status, answer["results"]) == (200, [])


def test_requests_in_flight_finish_while_draining(serve: Callable[..., Live]) -> None:
    live = serve()
    slow = live.parts.batcher._embedder = SlowEmbedder(live.parts.embedder)
    with closing(live.connect()) as connection:
        connection.sendall(upload("/tracklets", multipart(jpegs(1))))
        assert slow.busy.wait(10)
        live.server.handle_exit(signal.SIGTERM, None)
        threading.Timer(0.3, slow.go.set).start()
        assert read_answer(connection)[0] == 201


def test_uploads_share_a_budget_of_memory(serve: Callable[..., Live]) -> None:
    live = serve(upload_memory=50_000)
    status, problem = live.ask(upload("/query", multipart([b"x" * 60_000])))

    assert (status, problem["code"]) == (429, "queue_full")
    assert live.ask(upload("/query", multipart(jpegs(1))))[0] == 200


def test_a_keyless_upload_is_refused_before_it_is_read(serve: Callable[..., Live]) -> None:
    live = serve()
    live.parts.gallery.keys.create("someone", "query", None)
    status, problem = live.ask(upload("/query", b"x" * 650_000))

    assert (status, problem["code"]) == (401, "key_missing")


def test_a_lost_device_ends_the_process(serve: Callable[..., Live]) -> None:
    live = serve()
    live.parts.batcher._lost = "gone"

    def is_closed() -> bool:
        try:
            live.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    eventually(is_closed)
