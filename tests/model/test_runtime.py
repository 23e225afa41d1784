"""The embedder: padding changes nothing, faults stay where they happen, nothing falls back."""

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.bundle import GOLDEN, Manifest, file_sha256, open_bundle
from model.errors import (
    BundleInvalid,
    DeviceLost,
    InvalidParameter,
    ModelFailure,
    ModelOutputInvalid,
)
from model.runtime import OnnxEmbedder, TrackletEmbedding, check_golden, load_embedder
from model.session import OutOfMemory, Outputs, Session, SessionFailed
from tests.support.fake_bundle import edit_manifest, make_bundle, person

Frames = NDArray[np.uint8]


@pytest.fixture(scope="module")
def embedder(fake_bundle: Path) -> OnnxEmbedder:
    return load_embedder(fake_bundle, "cpu", threads=1)


def good(answers: Sequence[TrackletEmbedding | ModelFailure]) -> list[TrackletEmbedding]:
    for answer in answers:
        assert isinstance(answer, TrackletEmbedding), answer
    return [answer for answer in answers if isinstance(answer, TrackletEmbedding)]


@dataclass
class Watched:
    """A session that notes the shapes it is called with and may be made to misbehave."""

    inner: Session
    fault: Callable[[Frames], None] = lambda _: None
    distort: Callable[[Outputs], Outputs] = lambda outputs: outputs
    provider: Literal["cpu", "cuda"] = "cpu"
    shapes: list[tuple[int, int]] = field(default_factory=list)

    def run(self, frames: Frames, mask: NDArray[np.bool_]) -> Outputs:
        self.shapes.append((frames.shape[0], frames.shape[1]))
        self.fault(frames)
        return self.distort(self.inner.run(frames, mask))


def watched(embedder: OnnxEmbedder, batch: int = 4, **changes: Any) -> tuple[OnnxEmbedder, Watched]:
    session = Watched(embedder.session, **changes)
    return OnnxEmbedder(embedder.manifest, session, batch), session


def test_an_answer_has_the_promised_shapes(embedder: OnnxEmbedder) -> None:
    rows, columns = embedder.manifest.attention_grid

    for n in (1, 5, 32):
        (answer,) = good(embedder.embed([person(1, n)]))
        assert answer.embedding.shape == (embedder.manifest.embedding_width,)
        assert np.linalg.norm(answer.embedding) == pytest.approx(1, abs=1e-5)
        assert answer.temporal_attention.shape == (n,)
        assert answer.temporal_attention.sum() == pytest.approx(1, abs=1e-5)
        assert answer.spatial_attention.shape == (n, rows, columns)
        assert answer.spatial_attention.sum(axis=(1, 2)) == pytest.approx(np.ones(n), abs=1e-5)
        assert answer.global_attention.shape == (n, rows, columns)
        assert answer.global_attention.sum() == pytest.approx(1, abs=1e-5)


def test_people_differ_and_the_same_person_stays(embedder: OnnxEmbedder) -> None:
    one, again, other = good(embedder.embed([person(1, 8), person(1, 20), person(2, 8)]))

    assert one.embedding @ again.embedding > 0.99
    assert one.embedding @ other.embedding < 0.9


def test_nothing_in_nothing_out(embedder: OnnxEmbedder) -> None:
    assert embedder.embed([]) == []


@pytest.mark.parametrize("n", [1, 5, 17, 31, 32])
@pytest.mark.parametrize("largest_batch", [1, 2, 8])
def test_padding_changes_no_answer(embedder: OnnxEmbedder, n: int, largest_batch: int) -> None:
    exact = embedder.session.run(person(3, n)[None], np.ones((1, n), dtype=np.bool_))
    batching = OnnxEmbedder(embedder.manifest, embedder.session, largest_batch)
    company = [person(4, 32), person(3, n), person(5, 1), person(6, n), person(7, 32)]

    alone, together = good(batching.embed([person(3, n)]))[0], good(batching.embed(company))[1]

    for answer in (alone, together):
        assert answer.embedding @ exact.embedding[0] >= 0.9999
        np.testing.assert_allclose(
            answer.temporal_attention, exact.temporal_attention[0], atol=1e-4
        )
        np.testing.assert_allclose(answer.global_attention, exact.global_attention[0], atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 32), max_size=12), st.sampled_from([1, 4, 8]))
def test_answers_keep_their_order_and_shapes_stay_few(
    fake_bundle: Path, lengths: list[int], largest_batch: int
) -> None:
    plain = shared_embedder(fake_bundle)
    batching, session = watched(plain, largest_batch)
    tracklets = [person(place, n) for place, n in enumerate(lengths)]

    together = good(batching.embed(tracklets))

    for tracklet, answer in zip(tracklets, together, strict=True):
        assert len(answer.temporal_attention) == len(tracklet)
        assert good(plain.embed([tracklet]))[0].embedding @ answer.embedding > 0.9999
    if largest_batch == 1:
        assert session.shapes == [(1, n) for n in sorted(lengths, key=lengths.index)]
    else:
        assert {L for _, L in session.shapes} <= {1, 2, 4, 8, 16, 32}
        assert {B for B, _ in session.shapes} <= {1, 2, 4, 8}


@cache
def shared_embedder(folder: Path) -> OnnxEmbedder:
    """One embedder for all examples of a hypothesis test."""
    return load_embedder(folder, "cpu", threads=1)


@pytest.mark.parametrize(
    "tracklet",
    [
        np.zeros((0, 64, 32, 3), dtype=np.uint8),
        np.zeros((33, 64, 32, 3), dtype=np.uint8),
        np.zeros((1, 32, 64, 3), dtype=np.uint8),
        np.zeros((64, 32, 3), dtype=np.uint8),
        np.zeros((1, 64, 32, 3), dtype=np.float32),
    ],
)
def test_a_tracklet_of_another_shape_is_the_callers_mistake(
    embedder: OnnxEmbedder, tracklet: NDArray[Any]
) -> None:
    with pytest.raises(ValueError, match="a tracklet is uint8"):
        embedder.embed([person(1, 2), tracklet])


def poisoned(name: str, value: float) -> Callable[[Outputs], Outputs]:
    """Spoil the second row of one output."""

    def distort(outputs: Outputs) -> Outputs:
        array = getattr(outputs, name).copy()
        if len(array) > 1:
            array[1].flat[0] = value
        return replace(outputs, **{name: array})

    return distort


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("embedding", np.nan),
        ("embedding", np.inf),
        ("embedding", 7.0),
        ("temporal_attention", np.nan),
        ("temporal_attention", -np.inf),
        ("spatial_attention", np.nan),
        ("spatial_attention", 2.0),
        ("global_attention", np.inf),
    ],
)
def test_an_output_that_is_no_answer_fails_alone(
    embedder: OnnxEmbedder, name: str, value: float
) -> None:
    batching, _ = watched(embedder, distort=poisoned(name, value))

    first, second, third = batching.embed([person(place, 8) for place in range(3)])

    assert isinstance(second, ModelOutputInvalid)
    assert good([first, third])


def test_a_zero_embedding_and_negative_weights_are_no_answers(embedder: OnnxEmbedder) -> None:
    def zero(outputs: Outputs) -> Outputs:
        return replace(outputs, embedding=np.zeros_like(outputs.embedding))

    def negative(outputs: Outputs) -> Outputs:
        weights = outputs.temporal_attention.copy()
        weights[:, 0] -= 0.5
        weights[:, 1] += 0.5
        return replace(outputs, temporal_attention=weights)

    for distort in (zero, negative):
        batching, _ = watched(embedder, distort=distort)
        (answer,) = batching.embed([person(1, 8)])
        assert isinstance(answer, ModelOutputInvalid)


def test_a_tracklet_that_makes_the_model_raise_fails_alone(embedder: OnnxEmbedder) -> None:
    poison = person(66, 8)

    def fault(frames: Frames) -> None:
        if any((row[:8] == poison).all() for row in frames):
            raise SessionFailed("poisoned")

    batching, _ = watched(embedder, fault=fault)

    answers = batching.embed([person(1, 8), poison, person(2, 8)])

    assert isinstance(answers[1], ModelOutputInvalid)
    assert good([answers[0], answers[2]])
    assert good(batching.embed([person(1, 8)]))


def test_a_batch_that_does_not_fit_is_halved_once(embedder: OnnxEmbedder) -> None:
    def no_room_for_four(frames: Frames) -> None:
        if len(frames) > 2:
            raise OutOfMemory("CUDA out of memory")

    batching, session = watched(embedder, 4, fault=no_room_for_four, provider="cuda")

    answers = good(batching.embed([person(place, 8) for place in range(4)]))

    assert session.shapes == [(4, 8), (2, 8), (2, 8)]
    alone = good(embedder.embed([person(3, 8)]))[0]
    assert answers[3].embedding @ alone.embedding > 0.9999


@pytest.mark.parametrize("room", [0, 1])
def test_no_room_for_half_a_batch_loses_the_device(embedder: OnnxEmbedder, room: int) -> None:
    def no_room(frames: Frames) -> None:
        if len(frames) > room:
            raise OutOfMemory("CUDA out of memory")

    batching, session = watched(embedder, 4, fault=no_room, provider="cuda")

    with pytest.raises(DeviceLost):
        batching.embed([person(place, 8) for place in range(4)])
    assert session.shapes == [(4, 8), (2, 8)]
    if room == 0:
        with pytest.raises(DeviceLost, match="one tracklet"):
            batching.embed([person(1, 8)])


def test_any_other_error_of_a_gpu_loses_it_at_once(embedder: OnnxEmbedder) -> None:
    def sticky(frames: Frames) -> None:
        raise SessionFailed("CUDA failure 700: an illegal memory access was encountered")

    batching, session = watched(embedder, 4, fault=sticky, provider="cuda")

    with pytest.raises(DeviceLost, match="700"):
        batching.embed([person(place, 8) for place in range(4)])
    assert len(session.shapes) == 1


def test_after_a_failure_the_next_call_gets_its_turn(embedder: OnnxEmbedder) -> None:
    failures = iter([OutOfMemory("no room")])

    def once(frames: Frames) -> None:
        for failure in failures:
            raise failure

    batching, _ = watched(embedder, 1, fault=once)

    with pytest.raises(DeviceLost):
        batching.embed([person(1, 8)])
    assert good(batching.embed([person(1, 8)]))


def test_many_threads_take_turns(embedder: OnnxEmbedder) -> None:
    inside = threading.Semaphore(1)

    def alone(frames: Frames) -> None:
        assert inside.acquire(blocking=False)
        inside.release()

    batching, _ = watched(embedder, 4, fault=alone)
    found: dict[int, TrackletEmbedding] = {}

    def embed(seed: int) -> None:
        found[seed] = good(batching.embed([person(seed, 4)]))[0]

    threads = [threading.Thread(target=embed, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for seed in range(8):
        assert found[seed].embedding @ good(embedder.embed([person(seed, 4)]))[0].embedding > 0.9999


def test_a_negative_number_of_threads_is_refused(fake_bundle: Path) -> None:
    with pytest.raises(InvalidParameter):
        load_embedder(fake_bundle, threads=-1)


def test_another_models_golden_embeddings_are_refused(bundle: Path, tmp_path: Path) -> None:
    other = make_bundle(tmp_path / "other", seed=1)
    shutil.copy(other / GOLDEN, bundle / GOLDEN)
    golden = Manifest.load(bundle).golden.model_dump(mode="json")
    edit_manifest(bundle, golden={**golden, "sha256": file_sha256(bundle / GOLDEN)})

    with pytest.raises(BundleInvalid, match="golden self-test failed on cpu: cosine"):
        load_embedder(bundle)


def test_one_vector_for_everything_is_refused(embedder: OnnxEmbedder, fake_bundle: Path) -> None:
    """Even where the stored embeddings are so close that the cosine alone lets it pass."""
    bundle = open_bundle(fake_bundle)
    first = bundle.golden[0]
    second = first + 0.01 * bundle.golden[1]
    close = replace(bundle, golden=np.stack([first, second / np.linalg.norm(second)]))

    def constant(outputs: Outputs) -> Outputs:
        rows = np.tile(first, (len(outputs.embedding), 1))
        return replace(outputs, embedding=rows)

    stuck, _ = watched(embedder, distort=constant)

    with pytest.raises(BundleInvalid, match="one and the same vector"):
        check_golden(stuck, close)


def test_a_golden_answer_that_is_no_answer_is_refused(
    embedder: OnnxEmbedder, fake_bundle: Path
) -> None:
    def nothing(outputs: Outputs) -> Outputs:
        return replace(outputs, embedding=np.full_like(outputs.embedding, np.nan))

    broken, _ = watched(embedder, distort=nothing)

    with pytest.raises(BundleInvalid, match="golden self-test failed"):
        check_golden(broken, open_bundle(fake_bundle))


def test_half_precision_storage_embeds_alike(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    half = load_embedder(make_bundle(tmp_path / "fp16", precision="fp16"), "cpu", threads=1)

    assert half.manifest.model_id == embedder.manifest.model_id
    first, second = good(half.embed([person(1, 8)]))[0], good(embedder.embed([person(1, 8)]))[0]
    assert first.embedding @ second.embedding > 0.999
