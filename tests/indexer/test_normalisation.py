"""The camera's part is taken from embeddings, and a person's is left."""

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.camera_sums import Sums
from indexer.normalisation import RAW, SHRINKAGE, Normalisation

WIDTH = 64


def unit(rows: NDArray[np.float64]) -> NDArray[np.float16]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def seen(count: int, bias: NDArray[np.float64], people: int, seed: int) -> NDArray[np.float16]:
    """Tracklets [count, D] of so many people before a camera that pulls them towards `bias`."""
    rng = np.random.default_rng(seed)
    who = rng.standard_normal((people, WIDTH))[np.arange(count) % people]
    return unit(who + 0.4 * rng.standard_normal((count, WIDTH)) + bias)


def bias(seed: int, size: float = 0.45) -> NDArray[np.float64]:
    return size * np.random.default_rng(100 + seed).standard_normal(WIDTH)


def of(**cameras: NDArray[np.float16]) -> Normalisation:
    return Normalisation.of({name: Sums.of(rows) for name, rows in cameras.items()}, WIDTH, 7)


def cosine(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    return float(one.astype(np.float64) @ other.astype(np.float64))


def test_what_two_cameras_add_is_taken_away() -> None:
    a, b = seen(200, bias(1), 100, 1), seen(200, bias(2), 100, 2)
    scoring = of(a=a, b=b)
    person = np.random.default_rng(5).standard_normal(WIDTH)
    here, there = unit((person + bias(1))[None]), unit((person + bias(2))[None])
    before = cosine(here[0], there[0])
    after = cosine(scoring.stored(here, ["a"])[0], scoring.stored(there, ["b"])[0])
    assert scoring.is_active
    assert before < 0.85
    assert after > before + 0.08


def test_a_query_is_treated_like_a_stored_vector_of_its_camera() -> None:
    a, b = seen(60, bias(1), 30, 1), seen(60, bias(2), 30, 2)
    scoring = of(a=a, b=b)
    for camera in ("a", "b", None, "never seen"):
        query = scoring.query(a[0].astype(np.float32), camera)
        stored = scoring.stored(a[:1], [camera])[0]
        np.testing.assert_allclose(query, stored, atol=1e-3)
        assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    unknown = scoring.query(a[0].astype(np.float32), "never seen")
    assert np.array_equal(unknown, scoring.query(a[0].astype(np.float32), None))
    assert not np.array_equal(unknown, scoring.query(a[0].astype(np.float32), "a"))


@pytest.mark.parametrize("cameras", [0, 1])
def test_with_nothing_to_compare_every_bit_stays(cameras: int) -> None:
    rows = seen(50, bias(1), 50, 1)
    scoring = of(**({"a": rows} if cameras else {}))
    assert not scoring.is_active
    assert scoring.digest() == RAW
    assert scoring.stored(rows, ["a"] * 50).tobytes() == rows.tobytes()
    assert np.array_equal(scoring.query(rows[0].astype(np.float32), "a"), rows[0])


def test_a_camera_with_few_tracklets_is_shifted_by_less() -> None:
    other = seen(400, bias(2), 400, 2)
    lengths = []
    for count in (5, 20, 400):
        scoring = of(a=seen(400, bias(1), 400, 1)[:count], b=other)
        lengths.append(float(np.linalg.norm(scoring.shift("a") - scoring.common)))
        full = Sums.of(seen(400, bias(1), 400, 1)[:count]).mean - scoring.common
        share = lengths[-1] / float(np.linalg.norm(full))
        assert share <= count / (count + SHRINKAGE) + 1e-6
    assert share > 0.45


@pytest.mark.parametrize("tracklets", [20, 100, 1000])
def test_one_person_all_day_does_not_lose_what_makes_the_person(tracklets: int) -> None:
    crowd = {f"c{n}": seen(100, bias(n), 50, n) for n in range(3)}
    alone = seen(tracklets, bias(9), 1, 9)
    scoring = of(**crowd, alone=alone)
    assert np.array_equal(scoring.shift("alone"), scoring.common)
    assert scoring.is_active
    assert np.linalg.norm(scoring.common - of(**crowd).common) < 0.05


def test_what_a_camera_is_worth_grows_with_its_people_not_with_its_tracklets() -> None:
    others = {f"c{n}": seen(300, 0.2 * bias(n), 300, n) for n in range(3)}

    def taken(people: int, count: int) -> float:
        rows = seen(count, 0.2 * bias(9), people, 9)
        scoring = of(**others, a=rows)
        whole = float(np.linalg.norm(Sums.of(rows).mean - scoring.common))
        return float(np.linalg.norm(scoring.shift("a") - scoring.common)) / whole

    assert taken(1, 1000) == 0
    for people in (2, 4):
        assert taken(people, 1000) == pytest.approx(taken(people, 200), abs=0.1)
        assert taken(people, 1000) < 2 * people / (2 * people + SHRINKAGE)
    assert taken(30, 200) > 0.6
    assert taken(200, 200) > 0.8


def test_two_cameras_of_one_person_each_take_nothing_away() -> None:
    assert not of(a=seen(100, bias(1), 1, 1), b=seen(100, bias(2), 1, 2)).is_active


def test_one_busy_camera_is_not_the_world() -> None:
    quiet, busy = seen(60, bias(1), 60, 1), seen(2000, bias(2), 500, 2)
    few, many = of(a=quiet, b=busy[:200]), of(a=quiet, b=busy)
    assert np.linalg.norm(few.common - many.common) < 0.05


def test_the_same_sums_give_the_same_bits_however_the_rows_come() -> None:
    a, b = seen(60, bias(1), 30, 1), seen(60, bias(2), 30, 2)
    scoring, again = of(a=a, b=b), of(a=a[::-1].copy(), b=b)
    assert scoring.digest() == again.digest()
    whole = scoring.stored(a, ["a"] * 60)
    single = [scoring.stored(a[[place]], ["a"])[0] for place in range(60)]
    assert whole.tobytes() == np.stack(single).tobytes()


def test_tells_how_far_it_has_moved() -> None:
    a, b = seen(60, bias(1), 30, 1), seen(60, bias(2), 30, 2)
    scoring = of(a=a, b=b)
    assert scoring.distance(scoring) == 0
    assert scoring.distance(Normalisation.none(WIDTH)) == float("inf")
    near, far = of(a=a, b=b[:59]), of(a=a, b=seen(60, bias(3), 30, 3))
    assert 0 < scoring.distance(near) < 0.05 < scoring.distance(far)
    assert scoring.differs(near, "b")
    assert scoring.distance(of(a=a, b=b, new=seen(40, bias(4), 20, 4))) > 0.05


def test_what_coincides_with_its_cameras_mean_is_left_as_it_is() -> None:
    scoring = of(a=seen(60, bias(1), 30, 1), b=seen(60, bias(2), 30, 2))
    middle = (scoring.shift("a") / np.linalg.norm(scoring.shift("a"))).astype(np.float16)
    alone = Normalisation(1, scoring.common, {"a": middle.astype(np.float32)})
    assert alone.stored(middle[None], ["a"])[0].tobytes() == middle.tobytes()
