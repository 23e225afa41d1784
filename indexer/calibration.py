"""From a cosine to a decision: the calibration that came with the bundle or the gallery.

`calibration.json` is tied to one model; one that does not fit, or supports a rate with too few
pairs, gives nothing rather than a guess.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.bundle import CALIBRATION

_SAME_RATE: Final = 1e-9


class Rate(BaseModel):
    """The cosine above which a share `far` of impostor pairs lies; None without support."""

    model_config = ConfigDict(frozen=True)

    far: float = Field(gt=0, lt=1)
    threshold: float | None = Field(ge=-1, le=1)


class Evidence(BaseModel):
    """Natural-log likelihood ratio (same person : another) at increasing cosines."""

    model_config = ConfigDict(frozen=True)

    cosines: tuple[float, ...] = Field(min_length=2)
    values: tuple[float, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.cosines) != len(self.values) or not np.all(np.diff(self.cosines) > 0):
            raise ValueError("cosines must increase, with one value each")
        return self


class Calibration(BaseModel):
    """A calibration that fits the model in use."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model_id: str
    data: Literal["synthetic", "real", "gallery"]
    prior: float = Field(gt=0, lt=1)
    """Assumed share of genuine pairs, which `probability` states."""
    rates: tuple[Rate, ...]
    llr: Evidence | None = None

    def threshold(self, far: float) -> float | None:
        """The cosine for a false-accept rate of at most `far`; None without support.

        Between two listed rates the stricter one decides: `far` is then an upper bound.
        """
        listed = [rate for rate in self.rates if rate.far <= far * (1 + _SAME_RATE)]
        return max(listed, key=lambda rate: rate.far).threshold if listed else None

    def probability(self, cosine: float) -> float | None:
        """P(same person | cosine) under the stated prior; None without a table."""
        if self.llr is None:
            return None
        evidence = float(np.interp(cosine, self.llr.cosines, self.llr.values))
        odds = evidence + math.log(self.prior / (1 - self.prior))
        return 1 / (1 + math.exp(-odds))


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
