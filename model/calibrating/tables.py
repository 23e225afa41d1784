"""One table of a calibration from several populations of pairs, and what stands behind it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from model.calibrating.evidence import Reliability, cost, fit_evidence, reliability
from model.calibrating.pairs import Pairs, Population, joined
from model.calibrating.thresholds import rate_interval, realised_rate, threshold_for
from model.calibration import FALSE_ACCEPT_RATES, Evidence, Rate, Table, has_support

PRIORS: Final = (0.5, 0.01)
"""Under which the calibration error is reported."""

_LEAST_GENUINE: Final = 100
"""Genuine pairs, and a tenth of it people, without which there is no likelihood ratio."""
_WORTH: Final = 0.005
"""Bits of Cllr that telling numbers of frames apart must gain to be done."""


@dataclass(frozen=True)
class Measured:
    """A table, and how it was found."""

    table: Table
    report: dict[str, Any]
    curves: dict[str, Reliability]
    """Promised against found at even prior, by population."""


def measure(
    fitted: Sequence[Population], others: Sequence[Population], *, camera_normalised: bool
) -> Measured:
    """Fit on some populations, look at all.

    Thresholds are those of the population that needs the highest one, at every rate. Likelihood
    ratios are fitted on `fitted` alone, so that `others` tell how they do elsewhere.
    """
    everything = [*fitted, *others]
    rates = tuple(_rate(everything, far) for far in FALSE_ACCEPT_RATES)
    curves_by_stratum = _evidence(fitted, rates)
    table = Table(camera_normalised=camera_normalised, rates=rates, llr=curves_by_stratum)
    curves: dict[str, Reliability] = {}
    populations = []
    for one in everything:
        entry = _described(one, rates)
        evidence = _covering(table, one)
        if evidence is not None and len(one.pairs.genuine):
            entry["likelihood_ratio"] = _quality(evidence, one.pairs)
            curves[_label(one)] = reliability(evidence, one.pairs)
        entry["fitted"] = one in fitted
        populations.append(entry)
    report = {
        "camera_normalised": camera_normalised,
        "rates": [rate.model_dump(mode="json") for rate in rates],
        "strata": [_span(one.least_frames, one.most_frames) for one in table.llr],
        "held_out_halves": _held_out(fitted, rates),
        "populations": populations,
    }
    return Measured(table, report, curves)


def _rate(populations: Sequence[Population], far: float) -> Rate:
    """The highest threshold that any population with support needs."""
    supported = [
        one for one in populations if has_support(far, len(one.pairs.impostor), one.pairs.people)
    ]
    thresholds = [threshold_for(one.pairs.impostor, far) for one in supported]
    highest = max(thresholds, default=math.inf)
    if highest > 1:
        most = max((len(one.pairs.impostor) for one in populations), default=0)
        return Rate(far=far, threshold=None, impostor_pairs=most)
    decisive = supported[thresholds.index(highest)]
    names = dict.fromkeys(one.name for one in populations if len(one.pairs.impostor))
    return Rate(
        far=far,
        threshold=highest,
        impostor_pairs=len(decisive.pairs.impostor),
        realised={name: realised_rate(_of(populations, name).impostor, highest) for name in names},
    )


def _of(populations: Sequence[Population], name: str) -> Pairs:
    return joined([one.pairs for one in populations if one.name == name])


def _evidence(fitted: Sequence[Population], rates: Sequence[Rate]) -> tuple[Evidence, ...]:
    """One for all numbers of frames, unless telling them apart pays on people not fitted on."""
    supported = [rate.far for rate in rates if rate.threshold is not None]
    if not supported:
        return ()
    strata = _strata(fitted)
    together = joined(list(strata.values()))
    one = _fit(together, min(supported), (1, None))
    if one is None or len(strata) == 1:
        # Measured with one number of frames, it speaks of no other.
        only = _fit(together, min(supported), next(iter(strata)))
        return () if only is None else (only,)
    apart = [_fit(pairs, min(supported), frames) for frames, pairs in strata.items()]
    found = tuple(evidence for evidence in apart if evidence is not None)
    if len(found) < len(strata) or _gain(strata, min(supported)) < _WORTH:
        return (one.model_copy(update=_ends(strata)),)
    return found


Frames = tuple[int, int | None]


def _strata(populations: Sequence[Population]) -> dict[Frames, Pairs]:
    """Pairs by numbers of frames, in their order."""
    spans = sorted({(one.least_frames, one.most_frames) for one in populations}, key=lambda s: s[0])
    return {
        span: joined(
            [one.pairs for one in populations if (one.least_frames, one.most_frames) == span]
        )
        for span in spans
    }


def _ends(strata: dict[Frames, Pairs]) -> dict[str, int | None]:
    """The numbers of frames that a common curve covers: from the first measured to the last."""
    spans = list(strata)
    return {"least_frames": spans[0][0], "most_frames": spans[-1][1]}


def _fit(pairs: Pairs, strictest: float, frames: Frames) -> Evidence | None:
    """Claims no more than the strictest supported rate, nor than its people, can tell."""
    people = len(set(pairs.genuine_people.tolist()))
    if len(pairs.genuine) < _LEAST_GENUINE or people < _LEAST_GENUINE // 10:
        return None
    return fit_evidence(
        pairs,
        ceiling=-math.log(strictest),
        floor=-math.log(people),
        least_frames=frames[0],
        most_frames=frames[1],
    )


def _gain(strata: dict[Frames, Pairs], strictest: float) -> float:
    """Bits that curves of their own save over a common one, on halves of the people, at best."""
    first, second = zip(*(pairs.halves() for pairs in strata.values()), strict=True)
    gains = []
    for learnt, tested in ((first, second), (second, first)):
        common = _fit(joined(list(learnt)), strictest, (1, None))
        for seen, unseen in zip(learnt, tested, strict=True):
            own = _fit(seen, strictest, (1, None))
            if common is None or own is None or not len(unseen.genuine):
                return 0.0
            gains.append(cost(common, unseen) - cost(own, unseen))
    half = len(gains) // 2
    return max((a + b) / 2 for a, b in zip(gains[:half], gains[half:], strict=True))


def _held_out(fitted: Sequence[Population], rates: Sequence[Rate]) -> list[dict[str, Any]]:
    """How ratios fitted on half of the people do on the other half."""
    supported = [rate.far for rate in rates if rate.threshold is not None]
    answer = []
    for span, pairs in _strata(fitted).items() if supported else ():
        first, second = pairs.halves()
        parts = []
        for learnt, tested in ((first, second), (second, first)):
            evidence = _fit(learnt, min(supported), span)
            if evidence is not None and len(tested.genuine) and len(tested.impostor):
                parts.append(_quality(evidence, tested))
        if len(parts) == 2:
            mean = {name: (parts[0][name] + parts[1][name]) / 2 for name in parts[0]}
            answer.append({"frames": _span(*span)} | mean)
    return answer


def _described(one: Population, rates: Sequence[Rate]) -> dict[str, Any]:
    """Its pairs, the thresholds that it would need, and the rates that those shipped realise."""
    pairs = one.pairs
    entry: dict[str, Any] = {
        "name": one.name,
        "frames": _span(one.least_frames, one.most_frames),
        "people": pairs.people,
        "genuine_pairs": len(pairs.genuine),
        "impostor_pairs": len(pairs.impostor),
        "rates": [],
    }
    for rate in rates:
        support = has_support(rate.far, len(pairs.impostor), pairs.people)
        line: dict[str, Any] = {
            "far": rate.far,
            "own_threshold": threshold_for(pairs.impostor, rate.far) if support else None,
        }
        if rate.threshold is not None and len(pairs.impostor):
            line["realised"] = realised_rate(pairs.impostor, rate.threshold)
            line["realised_95"] = list(rate_interval(pairs, rate.threshold))
            if len(pairs.genuine):
                line["true_accepts"] = realised_rate(pairs.genuine, rate.threshold)
        entry["rates"].append(line)
    return entry


def _quality(evidence: Evidence, pairs: Pairs) -> dict[str, float]:
    """Cllr, what the best monotone curve would reach here, and calibration errors."""
    answer = {"cllr": cost(evidence, pairs)}
    # Without limits: the pairs' own best curve is a bound, not a promise.
    best = fit_evidence(pairs, ceiling=math.inf, floor=-math.inf)
    if best is not None:
        answer["least_cllr"] = min(cost(best, pairs), answer["cllr"])
    for prior in PRIORS:
        error = reliability(evidence, pairs, prior=prior).error
        answer[f"calibration_error_at_prior_{prior:g}"] = error
    return answer


def _covering(table: Table, one: Population) -> Evidence | None:
    for evidence in table.llr:
        if evidence.covers(one.least_frames):
            return evidence
    return None


def _label(one: Population) -> str:
    return f"{one.name}, {_span(one.least_frames, one.most_frames)}"


def _span(least: int, most: int | None) -> str:
    if least == most:
        return "1 frame" if least == 1 else f"{least} frames"
    return f"{least} frames or more" if most is None else f"{least} to {most} frames"
