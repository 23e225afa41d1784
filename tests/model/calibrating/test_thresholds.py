import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.calibrating.pairs import Pairs
from model.calibrating.thresholds import rate_interval, realised_rate, threshold_for
from tests.support.cosines import normal_pairs


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.1, 0.05, 0.01]),
)
def test_no_threshold_lets_more_through_than_its_rate(values: list[int], far: float) -> None:
    impostor = np.array(values, np.float32) / 10

    threshold = threshold_for(impostor, far)

    assert realised_rate(impostor, threshold) <= far
    # And no lower cosine that is there would do.
    below = [value for value in impostor.tolist() if value < threshold]
    assert not below or realised_rate(impostor, max(below)) > far


def test_a_threshold_lies_between_the_last_accepted_and_the_first_refused() -> None:
    impostor = np.linspace(0, 0.99, 100, dtype=np.float32)

    assert threshold_for(impostor, 0.1) == pytest.approx(0.895)


def test_the_interval_is_wide_where_few_people_make_the_false_accepts() -> None:
    """Twenty false accepts of one couple say less than twenty of forty people."""
    pairs = normal_pairs(people=60, impostor=20_000)
    alike = np.zeros(20_000, np.float32)
    alike[:20] = 1
    couple = pairs.impostor_people.copy()
    couple[:20] = (0, 1)

    spread = rate_interval(
        Pairs(pairs.genuine, pairs.genuine_people, alike, pairs.impostor_people), 0.5
    )
    together = rate_interval(Pairs(pairs.genuine, pairs.genuine_people, alike, couple), 0.5)

    assert spread[0] < 1e-3 < spread[1]
    assert together[0] == 0
    assert together[1] - together[0] > 2 * (spread[1] - spread[0])
