"""The exception tree: stable codes, and errors that survive the way out of a child process."""

import pickle
import re
from collections.abc import Iterator

import pytest

from model import errors
from model.errors import InputRefused, RequestRefused, SightlineError


def tree(root: type[SightlineError] = SightlineError) -> Iterator[type[SightlineError]]:
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


LEAVES = [kind for kind in tree() if not list(tree(kind))]


@pytest.mark.parametrize("kind", LEAVES)
def test_every_leaf_has_its_own_stable_code(kind: type[SightlineError]) -> None:
    assert "code" in vars(kind)
    assert re.fullmatch(r"[a-z_]+", kind.code)


@pytest.mark.parametrize("kind", list(tree()))
def test_every_error_stands_in_the_drawn_tree(kind: type[SightlineError]) -> None:
    assert errors.__doc__ is not None
    assert re.search(rf"\b{kind.__name__}\b", errors.__doc__)


def test_client_errors_share_no_code() -> None:
    codes = [kind.code for kind in LEAVES if issubclass(kind, InputRefused)]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", [kind for kind in LEAVES if issubclass(kind, InputRefused)])
@pytest.mark.parametrize("frame", [None, 0, 17])
def test_a_refusal_survives_pickling_with_its_frame(
    kind: type[InputRefused], frame: int | None
) -> None:
    back = pickle.loads(pickle.dumps(kind("not this one", frame=frame)))

    assert type(back) is kind
    assert (back.detail, str(back), back.frame) == ("not this one", "not this one", frame)


@pytest.mark.parametrize("kind", LEAVES)
def test_every_error_survives_pickling(kind: type[SightlineError]) -> None:
    back = pickle.loads(pickle.dumps(kind("why")))

    assert type(back) is kind
    assert back.detail == "why"


def test_a_refused_request_keeps_when_to_come_back() -> None:
    error = errors.QueueFull("64 tracklets wait", retry_after=2.5)

    assert error.retry_after == 2.5
    assert isinstance(pickle.loads(pickle.dumps(error)), RequestRefused)
