"""What a cosine means: thresholds and likelihood ratios that were measured for one model.

A calibration (`calibration.json`) lies in a bundle or in a gallery's folder. It holds one table
per way of scoring, because camera-normalised cosines are distributed unlike raw ones. What the
measurement does not support is null; nothing is guessed.
"""

import math
from typing import Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_PRIOR: Final = 0.01
"""Assumed share of genuine pairs where nobody states another."""

FALSE_ACCEPT_RATES: Final = (1e-1, 1e-2, 1e-3, 1e-4)

STRATA: Final = ((1, 1), (2, 7), (8, None))
"""Numbers of frames that are told apart, by the shorter tracklet of a pair."""

PAIRS_BEHIND_A_RATE: Final = 30
"""Impostor pairs above a threshold that must be expected for it to count as measured."""

PEOPLE_FACTOR: Final = 5.0
"""A rate needs `PEOPLE_FACTOR / sqrt(rate)` people: pairs of few people fail together."""

_SAME_RATE: Final = 1e-9

Data = Literal["synthetic", "real", "gallery"]


def has_support(far: float, impostor_pairs: int, people: int) -> bool:
    """Whether so many pairs and people can tell a false-accept rate: 300,000 and 500 for 1e-4."""
    enough_pairs = impostor_pairs * far >= PAIRS_BEHIND_A_RATE * (1 - _SAME_RATE)
    return enough_pairs and people >= PEOPLE_FACTOR / math.sqrt(far) * (1 - _SAME_RATE)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Rate(_Frozen):
    """The cosine above which a share of at most `far` of impostor pairs lies."""

    far: float = Field(gt=0, lt=1)
    threshold: float | None = Field(ge=-1, le=1, description="null without support.")
    impostor_pairs: int = Field(ge=0, description="Pairs of different people behind it.")
    realised: dict[str, float] = Field(
        default_factory=dict,
        description="Share of impostor pairs above the threshold in each kind of world.",
    )


class Evidence(_Frozen):
    """Natural-log likelihood ratio (same person : another) at increasing cosines.

    For pairs whose shorter tracklet has `least_frames` to `most_frames` frames (null: any more).
    """

    least_frames: int = Field(default=1, ge=1)
    most_frames: int | None = None
    genuine_pairs: int = Field(ge=0)
    impostor_pairs: int = Field(ge=0)
    cosines: tuple[float, ...] = Field(min_length=2)
    values: tuple[float, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.cosines) != len(self.values) or not np.all(np.diff(self.cosines) > 0):
            raise ValueError("cosines must increase, with one value each")
        if not np.all(np.isfinite(self.cosines + self.values)):
            raise ValueError("cosines and values must be finite")
        return self

    def covers(self, frames: int) -> bool:
        """Whether it speaks of pairs whose shorter tracklet has so many frames."""
        return self.least_frames <= frames and (
            self.most_frames is None or frames <= self.most_frames
        )


class Table(_Frozen):
    """What the cosines of one way of scoring mean."""

    camera_normalised: bool
    """Whether each camera's mean was subtracted from the embeddings compared."""
    rates: tuple[Rate, ...]
    llr: tuple[Evidence, ...] = ()
    """One for all numbers of frames, or one for each stratum that differs from the others."""

    def threshold(self, far: float) -> float | None:
        """The cosine for a false-accept rate of at most `far`; None without support.

        Between two listed rates the stricter one decides: `far` is then an upper bound.
        """
        listed = [rate for rate in self.rates if rate.far <= far * (1 + _SAME_RATE)]
        return max(listed, key=lambda rate: rate.far).threshold if listed else None

    def evidence(self, cosine: float, frames: int) -> float | None:
        """Natural-log likelihood ratio; `frames` is the shorter tracklet's number of them.

        None where nothing was measured for so many frames.
        """
        for table in self.llr:
            if table.covers(frames):
                return float(np.interp(cosine, table.cosines, table.values))
        return None

    def probability(self, cosine: float, frames: int, prior: float) -> float | None:
        """P(same person | cosine) where a share `prior` of all pairs is genuine."""
        evidence = self.evidence(cosine, frames)
        if evidence is None:
            return None
        odds = evidence + math.log(prior / (1 - prior))
        return 1 / (1 + math.exp(-odds))


class Source(_Frozen):
    """What a calibration was made on."""

    kinds: tuple[str, ...] = Field(description="Kinds of worlds, or names of data sets.")
    people: int = Field(ge=0)
    cameras: int = Field(ge=0)
    tracklets: int = Field(ge=0)
    genuine_pairs: int = Field(ge=0, description="Pairs of the same person.")
    impostor_pairs: int = Field(ge=0, description="Pairs of different people.")


class Calibration(_Frozen):
    """`calibration.json`: it holds for one model and says on what it was made."""

    format: Literal[2] = 2
    model_id: str
    data: Data
    source: Source
    tables: tuple[Table, ...] = Field(min_length=1)
    statistics_generation: int | None = None
    """Of the camera statistics that a gallery's own calibration was made with."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({table.camera_normalised for table in self.tables}) != len(self.tables):
            raise ValueError("there may be one table for each way of scoring")
        return self

    def table(self, *, camera_normalised: bool) -> Table | None:
        """The table that fits a way of scoring; None where there is none."""
        for table in self.tables:
            if table.camera_normalised == camera_normalised:
                return table
        return None

    def is_stale(self, generation: int | None) -> bool:
        """Whether it was made with camera statistics other than those of `generation`."""
        return self.statistics_generation is not None and self.statistics_generation != generation
