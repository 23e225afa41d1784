"""A served application on a real socket, and what a plain client sends to it."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelFailure
from model.runtime import TrackletEmbedding
from service.app import create_app
from service.parts import Parts, open_parts
from service.server import DrainingServer, server_config
from service.settings import Settings

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
        server = DrainingServer(server_config(create_app(settings, parts), parts), parts)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Live(server, parts, listener.getsockname())
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def read_all(connection: socket.socket) -> bytes:
    """Until the other side closes; a reset counts as a failure."""
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def read_answer(connection: socket.socket) -> tuple[int, Any]:
    head, _, body = read_all(connection).partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body) if body else None


def read_whole_answer(connection: socket.socket) -> tuple[int, Any]:
    """Until the answer is complete; what becomes of the connection afterwards does not count."""
    data = b""
    while True:
        start, end, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", start)
        if end and length and len(body) >= int(length[1]):
            return int(start.split(b" ")[1]), json.loads(body)
        chunk = connection.recv(65536)
        assert chunk, data
        data += chunk


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


def bytes_until_broken(
    connection: socket.socket, piece: bytes = b"x" * 65536, pause: float = 0
) -> int:
    """How much the other side takes before it hangs up."""
    sent = 0
    try:
        while sent < 99_000_000:
            sent += connection.send(piece)
            time.sleep(pause)
    except OSError:
        pass  # A reset or a broken pipe, as the system likes: this is what was waited for.
    return sent


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


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
