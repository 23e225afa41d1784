"""Asks a running service over HTTP, after a look at what it takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from indexer.answers import QueryAnswer
from indexer.asking import Clip, Crops, Enrolled, Subject, Wanted
from model.errors import (
    BodyTooLarge,
    InputRefused,
    InvalidParameter,
    MalformedBody,
    NotReady,
    SightlineError,
)
from model.terminal import console

_CONNECT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 300
_FORM_BYTES: Final = 64 * 2**10
"""Room for the form around the files."""
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class RemoteAnswer:
    """An answer, as it came and as it reads."""

    body: dict[str, Any]
    answer: QueryAnswer
    calibration: str | None
    """What kind of data the service's decisions rest on."""


def ask_service(url: str, subject: Subject, wanted: Wanted, key: str | None) -> RemoteAnswer:
    """`POST /query` of the service at `url`, which is asked for its limits first.

    Raises what the service refuses with, `NotReady` where there is none, and the refusals of
    `GET /status`'s limits before anything is sent.
    """
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise InvalidParameter("--server wants a URL like http://127.0.0.1:8000")
    if key and address.scheme == "http" and address.hostname not in _LOOPBACK:
        console.print("the key travels unencrypted: use https", style="yellow")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
    try:
        with httpx2.Client(base_url=url, headers=headers, timeout=timeout) as client:
            status = _answer(client.get("/status"))
            form = _form(subject, wanted, status.get("limits") or {})
            body = _answer(client.post("/query", files=form))
    except httpx2.TransportError as error:
        raise NotReady(f"no Sightline service answers at {url}: {error}") from error
    calibration = status.get("calibration")
    try:
        answer = QueryAnswer.model_validate(body)
    except ValueError as error:
        raise MalformedBody(f"the service at {url} answers in a form unknown here") from error
    return RemoteAnswer(body, answer, calibration and calibration.get("data"))


def _answer(response: httpx2.Response) -> dict[str, Any]:
    """The answer's JSON object; a problem is raised as what it would be in this process."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NotReady(f"{response.url} is no Sightline service (status {response.status_code})")
    if response.is_success:
        return body
    detail = str(body.get("detail") or body.get("title") or f"status {response.status_code}")
    kind = _errors().get(str(body.get("code")), SightlineError)
    if issubclass(kind, InputRefused) and isinstance(body.get("frame"), int):
        detail = f"frame {body['frame']}: {detail}"
    raise kind(detail)


def _errors() -> dict[str, type[SightlineError]]:
    def leaves(kind: type[SightlineError]) -> Iterator[type[SightlineError]]:
        for below in kind.__subclasses__():
            yield from leaves(below)
        if not kind.__subclasses__():
            yield kind

    return {leaf.code: leaf for leaf in leaves(SightlineError)}


Part = tuple[str, tuple[str | None, bytes]]
"""A field's name, and its file name (None for a text) with its content."""


def _form(subject: Subject, wanted: Wanted, limits: dict[str, int]) -> list[Part]:
    """Everything as parts: without any file, a list of fields would be sent URL-encoded."""
    parts = [*_texts(wanted.form()), *_content(subject, limits)]
    size = sum(len(content) for _, (_, content) in parts) + _FORM_BYTES
    if size > limits.get("body_bytes", size):
        raise BodyTooLarge(
            f"{size:,} bytes; the service takes {limits['body_bytes']:,}: send fewer or smaller "
            "frames"
        )
    return parts


def _texts(fields: Mapping[str, str | list[str]]) -> Iterator[Part]:
    for name, value in fields.items():
        for text in [value] if isinstance(value, str) else value:
            yield name, (None, text.encode())


def _content(subject: Subject, limits: dict[str, int]) -> Iterator[Part]:
    if isinstance(subject, Enrolled):
        yield "tracklet_id", (None, subject.tracklet_id.encode())
    elif isinstance(subject, Clip):
        _check_size(subject.file, limits.get("body_bytes"))
        yield "clip", (subject.file.name, subject.file.read_bytes())
    else:
        for path in _sampled(subject, limits):
            _check_size(path, limits.get("frame_bytes"))
            yield "frames", (path.name, path.read_bytes())


def _sampled(crops: Crops, limits: dict[str, int]) -> Sequence[Path]:
    """All frames, or as many as the service takes, spread over the whole tracklet."""
    count = len(crops.files)
    most = limits.get("frames", count)
    if count > most:
        console.print(f"the service takes {most} frames: sending {most} of {count}")
    return crops.at_most(most).files


def _check_size(path: Path, most: int | None) -> None:
    size = path.stat().st_size
    if most is not None and size > most:
        raise BodyTooLarge(f"{path.name} has {size:,} bytes; the service takes {most:,}")
