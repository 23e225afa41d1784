"""Connections: nothing endless, nothing ambiguous, no answer to the wrong request."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.service.helpers import jpegs
from tests.service.live import (
    FORM,
    Live,
    SlowEmbedder,
    head,
    multipart,
    read_all,
    read_answer,
)

Serve = Callable[..., Live]


@pytest.mark.parametrize(
    "long",
    [
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 66_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-Many: 1234567890\r\n" * 4_000 + b"\r\n",
        b"GET /livez?" + b"x" * 66_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["one header", "many headers", "the target"],
)
def test_long_headers_are_refused_though_they_come_in_one_piece(serve: Serve, long: bytes) -> None:
    status, problem = serve().ask(long)

    assert (status, problem["code"]) == (431, "malformed_body")


def test_headers_just_below_the_limit_pass(serve: Serve) -> None:
    long = b"X-Long: " + b"x" * 60_000

    assert serve().ask(head("/livez", long, b"Connection: close", method="GET"))[0] == 200


def test_long_headers_behind_another_request_are_refused_too(serve: Serve) -> None:
    good = head("/livez", method="GET")
    live = serve()
    with closing(live.connect()) as connection:
        connection.sendall(good + b"GET /livez HTTP/1.1\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n")
        answers = read_all(connection)

    # Whether the first was answered in time is chance; that the second got no 200 is not.
    assert answers.count(b"HTTP/1.1 200") <= 1
    assert b"HTTP/1.1 200" not in answers.partition(b" 431 ")[2]


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://127.0.0.1/status HTTP/1.1",
        b"GET http://evil.example/status HTTP/1.1",
        b"GET https://evil.example:443/status HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"CONNECT evil.example:443 HTTP/1.1",
    ],
)
def test_a_target_must_be_a_path(serve: Serve, line: bytes) -> None:
    status, problem = serve().ask(line + b"\r\nHost: 127.0.0.1\r\n\r\n")

    assert (status, problem["code"]) == (400, "malformed_body")


def test_two_hosts_are_refused(serve: Serve) -> None:
    status, problem = serve().ask(
        head("/status", b"Host: evil.example", b"Connection: close", method="GET")
    )

    assert (status, problem["code"]) == (400, "malformed_body")


@pytest.mark.parametrize(
    "framing",
    [
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: +5",),
        (b"Content-Length: " + b"9" * 5000,),
        (b"Transfer-Encoding: gzip, chunked, x",),
    ],
    ids=["both", "two", "signed", "huge", "odd coding"],
)
def test_a_body_of_two_lengths_is_refused(serve: Serve, framing: tuple[bytes, ...]) -> None:
    status, problem = serve().ask(head("/query", b"Content-Type: " + FORM, *framing) + b"0\r\n\r\n")

    assert (status, problem["code"]) == (400, "malformed_body")


def test_a_broken_chunk_is_told_to_its_own_request(serve: Serve) -> None:
    start = head("/query", b"Content-Type: " + FORM, b"Transfer-Encoding: chunked")
    live = serve()
    with closing(live.connect()) as connection:
        connection.sendall(start + b"5\r\n--b\r\n\r\n")
        connection.sendall(b"nonsense\r\n")
        status, problem = read_answer(connection)

    assert (status, problem["code"]) == (400, "malformed_body")


def test_nonsense_behind_a_request_is_not_its_answer(serve: Serve) -> None:
    live = serve()
    slow = live.parts.batcher._embedder = SlowEmbedder(live.parts.embedder)
    body = multipart(jpegs(1))
    good = head("/query", b"Content-Type: " + FORM, b"Content-Length: %d" % len(body)) + body
    with closing(live.connect()) as connection:
        connection.sendall(good)
        assert slow.busy.wait(10)
        connection.sendall(b"HELLO\r\n\r\n")
        answered = read_all(connection)
        slow.go.set()

    assert answered == b""


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    live = serve()
    with closing(live.connect()) as connection:
        connection.sendall(
            head("/livez", method="GET")
            + head("/nothing", method="GET")
            + head("/readyz", b"Connection: close", method="GET")
        )
        answers = read_all(connection)

    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_refusals_that_no_route_hears_of_are_counted(serve: Serve) -> None:
    live = serve(header_seconds=0.3)
    live.ask(b"HELLO\r\n\r\n")
    live.ask(b"GET /livez HTTP/1.1\r\n")

    figures = live.parts.metrics.text().decode()

    assert 'sightline_rejects_total{code="malformed_body"} 1.0' in figures
    assert 'sightline_rejects_total{code="request_timeout"} 1.0' in figures


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    file, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(file)),
        ],
        check=True,
        capture_output=True,
    )
    return file, key


@pytest.fixture
def secure(serve: Serve, certificate: tuple[Path, Path]) -> Live:
    return serve(tls_cert=certificate[0], tls_key=certificate[1], header_seconds=0.5)


def wrapped(live: Live, certificate: tuple[Path, Path]) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    return context.wrap_socket(live.connect(), server_hostname="127.0.0.1")


def test_tls(secure: Live, certificate: tuple[Path, Path]) -> None:
    with wrapped(secure, certificate) as connection:
        connection.sendall(head("/livez", b"Connection: close", method="GET"))
        assert read_answer(connection)[0] == 200


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side hangs up, politely or not, before the socket's own timeout."""
    try:
        return connection.recv(65536) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("start", [b"", b"\x16\x03\x01"], ids=["silent", "dripping"])
def test_a_tls_handshake_has_the_deadline_of_the_headers(secure: Live, start: bytes) -> None:
    with closing(secure.connect()) as connection:
        connection.sendall(start)
        assert is_closed(connection)


def test_headers_behind_tls_have_their_deadline(
    secure: Live, certificate: tuple[Path, Path]
) -> None:
    with wrapped(secure, certificate) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        assert read_answer(connection)[0] == 408
