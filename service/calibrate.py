"""`sightline calibrate`: from labelled data sets into a bundle, or on site into a gallery."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.errors import InvalidParameter
from model.learning.options import Device, Layout
from model.terminal import ProgressLine, console, failures_as_exit, output, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.settings import GallerySettings
    from model.calibrating.pairs import Floats, Ints
    from model.calibrating.tables import Measured
    from model.calibration import Calibration
    from model.learning.calibrate import Embedded
    from model.learning.embed import ClipEmbedder


def calibrate(
    gallery: Annotated[
        Path | None,
        typer.Option(help="Calibrate this gallery from its own tracklets, without labels."),
    ] = None,
    root: Annotated[
        list[Path] | None,
        typer.Option(help="A data set of people that the model was not trained on."),
    ] = None,
    check: Annotated[
        list[Path] | None,
        typer.Option(help="A data set to look at, such as a world of another kind."),
    ] = None,
    dataset: Annotated[Layout, typer.Option(help="Layout of all of them.")] = "synthetic",
    model: Annotated[Path | None, typer.Option(help="Model bundle.")] = None,
    most: Annotated[
        int | None, typer.Option(min=2, help="Tracklets of each data set; otherwise all.")
    ] = None,
    camera_normalised: Annotated[
        bool,
        typer.Option(
            "--camera-normalised/--raw", help="Measure camera-normalised scoring as well."
        ),
    ] = True,
    picture: Annotated[
        Path | None, typer.Option(help="Reliability diagram (.svg); one for each scoring.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the JSON report here too.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where the model runs.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that decode.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Find out what scores mean: thresholds per false-accept rate, probabilities per cosine.

    Example: sightline calibrate --root worlds/k2 --check worlds/k1 --check worlds/k3
    --model bundles/mine --report calibration-report.json --picture reliability.svg

    Example: sightline calibrate --gallery ./gallery
    """
    from indexer.settings import GallerySettings, read_settings
    from model.reports import write_json

    began = time.monotonic()
    with failures_as_exit():
        flags = {"gallery": gallery, "model": model, "device": device}
        settings = read_settings(GallerySettings, flags)
        if (gallery is None) == (not root):
            raise InvalidParameter("calibrate from data sets (--root) or on site (--gallery)")
        if picture is not None and picture.suffix != ".svg":
            raise InvalidParameter("--picture must name an .svg file")
        if root:
            source = _DataSets(dataset, root, check or [], most, workers, camera_normalised)
            calibration, measured = source.calibrate(settings)
        else:
            calibration, measured = _on_site(settings, camera_normalised)
        folder = settings.model if root else settings.gallery
        answer = _stored(calibration, measured, folder, picture)
        answer["seconds"] = round(time.monotonic() - began, 1)
        if report is not None:
            write_json(report, answer)
        if as_json:
            print_json(answer)
        else:
            _print(answer)


@dataclass(frozen=True)
class _DataSets:
    """Labelled people to fit on, and others to look at."""

    layout: Layout
    roots: list[Path]
    checks: list[Path]
    most: int | None
    workers: int
    camera_normalised: bool

    def calibrate(self, settings: "GallerySettings") -> "tuple[Calibration, list[Measured]]":
        from model.bundle import open_bundle
        from model.learning.calibrate import calibrate
        from model.learning.opening import open_embedder

        model_id = open_bundle(settings.model).manifest.model_id
        embedder = open_embedder(settings.model, settings.device)
        fitted = [self._embedded(root, embedder) for root in self.roots]
        checked = [self._embedded(root, embedder) for root in self.checks]
        normalise = _as_a_gallery_would if self.camera_normalised else None
        return calibrate(model_id, fitted, checked, normalise=normalise)

    def _embedded(self, root: Path, embedder: "ClipEmbedder") -> "Embedded":
        from model.datasets.catalogue import open_dataset
        from model.learning.calibrate import calibration_work, embed_for_calibration

        data = open_dataset(self.layout, root)
        with ProgressLine(data.name, calibration_work(data, self.most), "embeddings") as line:
            return embed_for_calibration(
                data, embedder, most=self.most, workers=self.workers, advance=line.advance
            )


def _as_a_gallery_would(
    vectors: "Floats", cameras: "Ints", held: "Floats", held_cameras: "Ints"
) -> "Floats":
    """What a gallery that holds some tracklets compares; see `model.learning.calibrate`."""
    import numpy as np

    from indexer.camera_statistics import LEAST
    from indexer.camera_sums import Sums
    from indexer.normalisation import Normalisation

    stored = held.astype(np.float16)
    sums = {
        str(camera): Sums.of(stored[held_cameras == camera])
        for camera in np.unique(held_cameras).tolist()
        if np.count_nonzero(held_cameras == camera) >= LEAST
    }
    normalisation = Normalisation.of(sums, held.shape[1], 0)
    names = [str(camera) for camera in cameras.tolist()]
    return normalisation.stored(vectors.astype(np.float16), names).astype(np.float32)


def _on_site(
    settings: "GallerySettings", camera_normalised: bool
) -> "tuple[Calibration, list[Measured]]":
    """From the gallery's own tracklets, each way of scoring that it can give now."""
    from indexer.gallery import open_gallery
    from indexer.site_calibration import MOST_HALVED, Scoring, calibrate_gallery
    from model.runtime import load_embedder
    from model.threads import apply_thread_budget

    apply_thread_budget(settings.threads)
    embedder = load_embedder(settings.model, settings.device, settings.threads)
    manifest = embedder.manifest
    with open_gallery(
        settings.gallery,
        model_id=manifest.model_id,
        width=manifest.embedding_width,
        create=False,
        threads=settings.threads,
        camera_normalisation="auto" if camera_normalised else "off",
    ) as gallery:
        scorings = [Scoring(camera_normalised=False)]
        serving = gallery.normalisation
        if serving.is_active:
            scorings.append(Scoring.of(serving))
        expected = min(MOST_HALVED, gallery.stats().tracklets)
        with ProgressLine("calibrate", expected, "tracklets") as line:
            return calibrate_gallery(
                gallery,
                embedder,
                scorings,
                limits=settings.decode_limits,
                advance=line.advance,
            )


def _stored(
    calibration: "Calibration",
    measured: "Sequence[Measured]",
    folder: Path,
    picture: Path | None,
) -> dict[str, Any]:
    """Write the file and the pictures; returns the report."""
    from model.calibrating.reliability import draw_reliability
    from model.calibrating.storing import store

    path = store(calibration, folder)
    console.print(f"wrote {path}", markup=False)
    for one in measured if picture is not None else ():
        assert picture is not None
        normalised = one.table.camera_normalised
        own = picture.with_stem(picture.stem + "-camera-normalised") if normalised else picture
        scoring = "camera-normalised" if normalised else "raw"
        draw_reliability(one.curves, f"{calibration.data} data, {scoring} scores", own)
        console.print(f"wrote {own}", markup=False)
    described = calibration.model_dump(mode="json", exclude={"tables"})
    return described | {"tables": [one.report for one in measured]}


def _print(answer: dict[str, Any]) -> None:
    """One table per scoring: thresholds, what stands behind them, what they realise."""
    from rich.table import Table

    for scoring in answer["tables"]:
        kind = "camera-normalised" if scoring["camera_normalised"] else "raw"
        table = Table(title=f"{answer['data']} data, {kind} scores")
        names = list(dict.fromkeys(name for rate in scoring["rates"] for name in rate["realised"]))
        for column in ("far", "threshold", "impostor pairs", *names):
            table.add_column(column)
        for rate in scoring["rates"]:
            shown = "–" if rate["threshold"] is None else f"{rate['threshold']:.3f}"
            found = (rate["realised"].get(name) for name in names)
            cells = ("–" if one is None else f"{one:.1e}" for one in found)
            table.add_row(f"{rate['far']:.0e}", shown, str(rate["impostor_pairs"]), *cells)
        output.print(table)
