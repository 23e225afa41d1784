import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.calibrating.pairs import UNKNOWN, cross_camera_pairs, joined
from tests.support.cosines import normal_pairs


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_pairs_equal_brute_force(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(2, size, 3)).astype(np.float32)
    identities = rng.integers(UNKNOWN, 4, size)
    cameras, places = rng.integers(0, 3, size), rng.integers(0, 2, size)

    pairs = cross_camera_pairs(left, right, identities, cameras, places)

    genuine, impostor = [], []
    for i in range(size):
        for j in range(i + 1, size):
            if cameras[i] == cameras[j] or places[i] != places[j]:
                continue
            people = (identities[i], identities[j])
            cosine = float(left[i] @ right[j])
            if people == (UNKNOWN, UNKNOWN):
                continue
            if people[0] == people[1]:
                genuine.append((cosine, people[0]))
            else:
                impostor.append((cosine, *people))
    np.testing.assert_allclose(pairs.genuine, [row[0] for row in genuine], atol=1e-5)
    assert pairs.genuine_people.tolist() == [row[1] for row in genuine]
    np.testing.assert_allclose(pairs.impostor, [row[0] for row in impostor], atol=1e-5)
    assert pairs.impostor_people.tolist() == [list(row[1:]) for row in impostor]


def test_halves_share_nobody() -> None:
    first, second = normal_pairs().halves()

    def people(half: object) -> set[int]:
        return {*half.genuine_people.tolist(), *half.impostor_people.ravel().tolist()}  # type: ignore[attr-defined]

    assert not people(first) & people(second)
    assert len(first.impostor) + len(second.impostor) < 20_000


def test_populations_are_joined_whole() -> None:
    one, two = normal_pairs(seed=1), normal_pairs(seed=2)

    both = joined([one, two])

    assert len(both.genuine) == 4000
    assert len(both.impostor) == len(both.impostor_people) == 40_000
