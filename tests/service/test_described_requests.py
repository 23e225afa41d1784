"""Requests made from our own OpenAPI document, good and bad: none is answered with a 5xx.

The campaign `api-fuzzing` in `benchmarks/` makes more of them.
"""

from pathlib import Path

from benchmarks.api_fuzzing import fuzz


def test_no_described_request_makes_the_service_fail(fake_bundle: Path) -> None:
    tally = fuzz(1, 1, model=fake_bundle, threads=1)

    assert tally.wrong == []
    assert tally.counts["answered_2xx"] > 20
    assert tally.counts["answered_4xx"] > 200
