"""What plain sockets see: deadlines, early refusals, clients that go away."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import ModelFailure
from model.runtime import TrackletEmbedding
from service.app import create_app
from service.parts import Parts, open_parts
from service.server import DrainingServer, server_config
from service.settings import Settings
from tests.service.helpers import jpegs

FORM = b"multipart/form-data; boundary=b"
Address = tuple[str, int]


class Live:
    """A served application: its server, its parts and its address."""

    def __init__(self, server: DrainingServer, parts: Parts, address: Address) -> None:
        self.server, self.parts, self.address = server, parts, address

    def connect(self) -> socket.socket:
        connection = socket.create_connection(self.address, timeout=10)
        connection.settimeout(10)
        return connection

    def ask(self, data: bytes) -> tuple[int, Any]:
        """Send raw bytes, then read the answer to its end."""
        with closing(self.connect()) as connection:
            connection.sendall(data)
            return read_answer(connection)


@contextmanager
def serving(settings: Settings) -> Iterator[Live]:
    with open_parts(settings) as parts, socket.create_server(("127.0.0.1", 0)) as listener:
        server = DrainingServer(server_config(create_app(settings, parts), settings), parts)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Live(server, parts, listener.getsockname())
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., Live]]:
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(serving(settings.model_copy(update=changes)))


def read_all(connection: socket.socket) -> bytes:
    """Until the other side closes; a reset counts as a failure."""
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def read_answer(connection: socket.socket) -> tuple[int, Any]:
    head, _, body = read_all(connection).partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body) if body else None


def head(path: str, *headers: bytes, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def multipart(pictures: Sequence[bytes], **fields: str) -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode(), value.encode())
        for name, value in fields.items()
    ]
    parts += [
        b'--b\r\nContent-Disposition: form-data; name="frames"; filename="f"\r\n\r\n%s\r\n' % data
        for data in pictures
    ]
    return b"".join(parts) + b"--b--\r\n"


def upload(path: str, body: bytes, *headers: bytes) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return head(path, b"Content-Type: " + FORM, length, b"Connection: close", *headers) + body


def bytes_until_broken(connection: socket.socket) -> int:
    """How much the other side takes before it hangs up."""
    sent = 0
    try:
        while sent < 99_000_000:
            sent += connection.send(b"x" * 65536)
    except OSError:
        pass  # A reset or a broken pipe, as the system likes: this is what was waited for.
    return sent


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


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
    body = b"x" * 600_000  # h11 would reset the connection from 750 KB on; we may drop 1 MB
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


def test_at_most_a_megabyte_is_dropped(serve: Callable[..., Live]) -> None:
    live = serve(max_body_bytes=1000)
    with closing(live.connect()) as connection:
        connection.sendall(head("/query", b"Content-Type: " + FORM, b"Content-Length: 99999999"))
        assert bytes_until_broken(connection) < 50_000_000


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


class SlowEmbedder:
    """The real one, but it waits until the test lets it go on, and counts."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.manifest, self.provider = real.manifest, real.provider
        self.go, self.busy = threading.Event(), threading.Event()
        self.embedded = 0

    def embed(
        self, tracklets: Sequence[NDArray[np.uint8]]
    ) -> list[TrackletEmbedding | ModelFailure]:
        self.busy.set()
        assert self.go.wait(10)
        self.embedded += len(tracklets)
        answers: list[TrackletEmbedding | ModelFailure] = self._real.embed(tracklets)
        return answers


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
    status, problem = live.ask(upload("/query", b"x" * 900_000))

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


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_tls(serve: Callable[..., Live], tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    live = serve(tls_cert=certificate, tls_key=key)
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        closing(live.connect()) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(head("/livez", b"Connection: close", method="GET"))
        assert read_answer(connection)[0] == 200
