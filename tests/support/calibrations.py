"""Calibrations for tests, with what a test is not about filled in."""

from collections.abc import Mapping

from model.calibration import Calibration, Data, Evidence, Rate, Source, Table


def make_calibration(
    model_id: str,
    *,
    data: Data = "synthetic",
    thresholds: Mapping[float, float | None] | None = None,
    values: tuple[float, float] = (-10.0, 10.0),
    camera_normalised: bool = False,
    statistics_generation: int | None = None,
) -> Calibration:
    """One table; the likelihood ratio runs from `values[0]` at cosine 0 to `values[1]` at 1."""
    rates = {1e-1: 0.2, 1e-4: None} if thresholds is None else thresholds
    table = Table(
        camera_normalised=camera_normalised,
        rates=tuple(Rate(far=f, threshold=t, impostor_pairs=1000) for f, t in rates.items()),
        llr=(Evidence(genuine_pairs=10, impostor_pairs=1000, cosines=(0.0, 1.0), values=values),),
    )
    source = Source(
        kinds=("k2",), people=30, cameras=4, tracklets=60, genuine_pairs=10, impostor_pairs=1000
    )
    return Calibration(
        model_id=model_id,
        data=data,
        source=source,
        tables=(table,),
        statistics_generation=statistics_generation,
    )
