"""What clients send and what they get back, over plain sockets.

The clients are as simple as can be: one connection per request, so that whatever happens to a
connection happens to one request.
"""

import json
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.decode import encode_jpeg

Address = tuple[str, int]

BOUNDARY = b"b7f0c1"
_FORM = b"multipart/form-data; boundary=" + BOUNDARY
_PATIENCE_SECONDS = 60.0


class Dropped(Exception):
    """The connection ended before a whole answer had come."""


@dataclass(frozen=True)
class Answer:
    """A whole answer, and how long it took from the connection on."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The code of a problem."""
        return self.json()["code"] if self.status >= 400 and self.body else None


def crops(seed: int, count: int, *, height: int = 128, width: int = 64) -> list[bytes]:
    """JPEGs of one made-up person: coloured blocks with a little noise; a seed, a person."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (8, 4, 3)).repeat(height // 8, axis=0).repeat(width // 4, axis=1)
    noise = rng.integers(-12, 13, (count, height, width, 3))
    return [encode_jpeg(frame) for frame in np.clip(blocks + noise, 0, 255).astype(np.uint8)]


def form(pictures: Iterable[bytes] = (), *, clip: bytes | None = None, **fields: object) -> bytes:
    """A multipart body."""
    parts = [_part(name, None, str(value).encode()) for name, value in fields.items()]
    parts += [_part("frames", "f.jpg", picture) for picture in pictures]
    parts += [] if clip is None else [_part("clip", "c.mp4", clip)]
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def _part(name: str, file: str | None, content: bytes) -> bytes:
    more = f'; filename="{file}"' if file else ""
    head = f'--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def head(method: str, path: str, *lines: bytes) -> bytes:
    """A request's head; nothing follows unless `lines` say so."""
    first = f"{method} {path} HTTP/1.1".encode()
    return b"\r\n".join([first, b"Host: 127.0.0.1", *lines]) + b"\r\n\r\n"


def request(
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    kind: bytes = _FORM,
    key: str | None = None,
) -> bytes:
    """A whole request of a client that closes afterwards."""
    lines = [b"Connection: close"]
    lines += [] if key is None else [b"Authorization: Bearer " + key.encode()]
    if body is not None:
        lines += [b"Content-Type: " + kind, b"Content-Length: %d" % len(body)]
    return head(method, path, *lines) + (body or b"")


def json_request(method: str, path: str, value: object) -> bytes:
    return request(method, path, json.dumps(value).encode(), kind=b"application/json")


def connect(address: Address) -> socket.socket:
    connection = socket.create_connection(address, timeout=_PATIENCE_SECONDS)
    connection.settimeout(_PATIENCE_SECONDS)
    return connection


def ask(address: Address, data: bytes) -> Answer:
    """Send a request and read the whole answer. Raises `Dropped`, and `OSError` if refused."""
    started = time.perf_counter()
    with closing(connect(address)) as connection:
        received = b""
        try:
            connection.sendall(data)
            while chunk := connection.recv(65536):
                received += chunk
        except (ConnectionError, TimeoutError) as error:
            if not received:
                raise Dropped(str(error)) from error
        return parse(received, time.perf_counter() - started)


def parse(received: bytes, seconds: float) -> Answer:
    """Raises `Dropped` for what is no whole answer."""
    start, end, body = received.partition(b"\r\n\r\n")
    if not end:
        raise Dropped("no answer")
    first, *lines = start.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if len(body) < int(headers.get("content-length", 0)):
        raise Dropped("half an answer")
    return Answer(int(first.split(" ")[1]), headers, body, seconds)


def get(address: Address, path: str) -> Any:
    """The JSON behind a path. Raises `RuntimeError` for anything but a 200."""
    answer = ask(address, request("GET", path))
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.body[:200]!r}")
    return answer.json()


def metric(address: Address, name: str) -> float:
    """The sum over all labels of one of the service's figures."""
    answer = ask(address, request("GET", "/metrics"))
    lines = answer.body.decode().splitlines()
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith((name + " ", name + "{"))
    )


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of all lie at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
