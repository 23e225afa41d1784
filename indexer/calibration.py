"""From a score to a decision: which calibration holds here, and what it says of a score.

The gallery's own calibration overrules the bundle's, which says nothing about real cameras. One
that does not fit the model, or has no table for the scoring in use, gives nothing.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from model.bundle import CALIBRATION
from model.calibration import Calibration, Data, Rate, Table


@dataclass(frozen=True)
class Decisions:
    """What the scores of one way of scoring mean, under one prior."""

    data: Data
    prior: float
    """Assumed share of genuine pairs, which `probability` states."""
    table: Table
    stale: bool = False
    """Whether the camera statistics have moved on since the gallery was calibrated."""

    @property
    def rates(self) -> tuple[Rate, ...]:
        """Thresholds per false-accept rate of one pair."""
        return self.table.rates

    def threshold(self, far: float) -> float | None:
        """As `Table.threshold`."""
        return self.table.threshold(far)

    def probability(self, score: float, frames: int) -> float | None:
        """P(same person | score); `frames` is the shorter tracklet's number of them."""
        return self.table.probability(score, frames, self.prior)


def identity_rate(far: float, comparisons: int) -> float:
    """How often somebody else matches who has so many tracklets, at a rate `far` of one pair.

    An identity matches where its best pair does, so that every tracklet is one more chance.
    Pairs of one person fail together; the rate is that of independent ones, which is higher.
    """
    return -math.expm1(comparisons * math.log1p(-far))


def decisions_of(
    calibration: Calibration | None,
    *,
    prior: float,
    camera_normalised: bool = False,
    generation: int | None = None,
) -> Decisions | None:
    """What holds for the scoring in use; None where no table fits it.

    `generation` is that of the camera statistics in use, where there are any.
    """
    if calibration is None:
        return None
    table = calibration.table(camera_normalised=camera_normalised)
    if table is None:
        return None
    stale = camera_normalised and calibration.is_stale(generation)
    return Decisions(data=calibration.data, prior=prior, table=table, stale=stale)


def fitting_calibration(
    model_id: str,
    gallery: Path,
    bundle: Mapping[str, Any] | None,
    passed_over: Callable[[str, str], None],
) -> Calibration | None:
    """The gallery's own calibration where there is one, else the bundle's; None if neither fits.

    `passed_over` hears of each one that is there and of no use: whose it is, and why.
    """
    for source, content in _candidates(gallery, bundle):
        try:
            calibration = Calibration.model_validate(content)
        except ValidationError:
            passed_over(source, "unreadable")
            continue
        if calibration.model_id == model_id:
            return calibration
        passed_over(source, "of another model")
    return None


def _candidates(gallery: Path, bundle: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    path = gallery / CALIBRATION
    if path.is_file():
        try:
            yield "gallery", json.loads(path.read_bytes())
        except ValueError:
            yield "gallery", None
    if bundle is not None:
        yield "bundle", bundle
