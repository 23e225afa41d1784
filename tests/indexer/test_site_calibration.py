"""A gallery calibrates itself from what nobody has labelled."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.gallery import LocalGallery
from indexer.records import NewTracklet, Tracklet
from indexer.site_calibration import Scoring, calibrate_gallery, overlapping
from model.decode import encode_jpeg
from model.runtime import Embedder, TrackletEmbedding, load_embedder
from tests.support.fake_bundle import person
from tests.support.galleries import make_gallery, picture, tracklet, unit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RAW = Scoring(camera_normalised=False)


def at(begin: float, end: float) -> dict[str, datetime]:
    """A span in seconds after noon."""
    return {
        "captured_at": NOON + timedelta(seconds=begin),
        "captured_until": NOON + timedelta(seconds=end),
    }


def listed(gallery: LocalGallery, *news: NewTracklet) -> list[Tracklet]:
    return [one.tracklet for one in gallery.enrol_many(news, actor="test")]


def names(tracklets: Sequence[Tracklet]) -> set[frozenset[str]]:
    found = overlapping(tracklets, np.random.default_rng(0))
    assert len(found) == len(set(map(frozenset, found)))
    return {frozenset(tracklets[place].tracklet_id for place in pair) for pair in found}


def test_only_what_one_camera_sees_at_one_time_is_surely_two_people(tmp_path: Path) -> None:
    with make_gallery(tmp_path) as gallery:
        there = listed(
            gallery,
            tracklet("a", 1, camera="door", **at(0, 10)),
            tracklet("b", 2, camera="door", **at(5, 15)),
            tracklet("c", 3, camera="door", **at(9, 12)),
            tracklet("after-a", 4, camera="door", **at(10, 11)),
            tracklet("elsewhere", 5, camera="yard", **at(0, 20)),
            tracklet("no-camera", 6, **at(0, 20)),
            tracklet("no-end", 7, camera="door", captured_at=NOON),
        )

    assert names(there) == {
        frozenset(pair)
        for pair in (("a", "b"), ("a", "c"), ("b", "c"), ("b", "after-a"), ("c", "after-a"))
    }


def test_two_tracks_that_an_operator_gave_one_name_are_no_impostors(tmp_path: Path) -> None:
    with make_gallery(tmp_path) as gallery:
        there = listed(
            gallery,
            tracklet("a", 1, camera="door", identity="anna", **at(0, 10)),
            tracklet("b", 2, camera="door", identity="anna", **at(0, 10)),
            tracklet("c", 3, camera="door", identity="bert", **at(0, 10)),
        )

    assert names(there) == {frozenset(("a", "c")), frozenset(("b", "c"))}


@pytest.fixture(scope="module")
def embedder(fake_bundle: Path) -> Embedder:
    return load_embedder(fake_bundle, "cpu", 1)


def people(embedder: Embedder, count: int, *, overlap: bool, pictures: bool) -> list[NewTracklet]:
    """Tracklets of four frames, two at a time or one after the other."""
    news = []
    for seed in range(count):
        frames = person(seed, 4)
        (answer,) = embedder.embed([frames])
        assert isinstance(answer, TrackletEmbedding)
        begin = 10 * (seed // 30) if overlap else 10 * seed
        new = tracklet(
            f"t{seed}",
            seed,
            embedding=answer.embedding,
            model_id=embedder.manifest.model_id,
            camera=f"c{seed % 2}",
            pictures=[encode_jpeg(frame) for frame in frames[:2]] if pictures else [],
            **at(begin, begin + 5),
        )
        news.append(new)
    return news


def gallery_of(folder: Path, embedder: Embedder, news: Sequence[NewTracklet]) -> LocalGallery:
    manifest = embedder.manifest
    gallery = make_gallery(folder, model_id=manifest.model_id, width=manifest.embedding_width)
    gallery.enrol_many(news, actor="test")
    return gallery


def test_a_gallery_with_overlaps_and_pictures_gives_rates_and_probabilities(
    tmp_path: Path, embedder: Embedder
) -> None:
    news = people(embedder, 120, overlap=True, pictures=True)
    with gallery_of(tmp_path, embedder, news) as gallery:
        calibration, (measured,) = calibrate_gallery(gallery, embedder, [RAW], actor="ops")
        looked = gallery.audit(limit=500, cursor=None).items

    (table,) = calibration.tables
    assert (calibration.data, calibration.model_id) == ("gallery", embedder.manifest.model_id)
    assert calibration.source.impostor_pairs == 8 * 15 * 14 // 2
    assert calibration.source.genuine_pairs == 120
    cosines = [
        float(a.embedding @ b.embedding)
        for place, a in enumerate(news)
        for b in news[:place]
        if a.camera == b.camera and a.captured_at == b.captured_at
    ]
    threshold = table.threshold(0.1)
    assert threshold is not None
    assert np.mean(np.array(cosines) >= threshold) == pytest.approx(0.1, abs=0.01)
    assert table.threshold(1e-2) is None  # 3,000 pairs would be needed
    likely = table.probability(1.0, 4, 0.5)
    assert likely is not None
    assert likely > 0.5
    assert len(measured.curves) == 1
    # Whoever has pictures read is on record.
    assert [entry.actor for entry in looked if entry.action == "picture"] == ["ops"] * 120


def test_without_overlaps_there_are_no_rates_and_no_probabilities(
    tmp_path: Path, embedder: Embedder
) -> None:
    news = people(embedder, 40, overlap=False, pictures=True)
    with gallery_of(tmp_path, embedder, news) as gallery:
        calibration, _ = calibrate_gallery(gallery, embedder, [RAW])

    (table,) = calibration.tables
    assert [rate.threshold for rate in table.rates] == [None] * 4
    assert table.llr == ()


def test_without_pictures_there_are_rates_but_no_probabilities(
    tmp_path: Path, embedder: Embedder
) -> None:
    news = people(embedder, 120, overlap=True, pictures=False)
    with gallery_of(tmp_path, embedder, news) as gallery:
        calibration, _ = calibrate_gallery(gallery, embedder, [RAW])

    (table,) = calibration.tables
    assert table.threshold(0.1) is not None
    assert table.llr == ()


def test_each_scoring_is_measured_on_the_vectors_that_it_compares(
    tmp_path: Path, embedder: Embedder
) -> None:
    def flattened(
        vectors: NDArray[np.float32], cameras: Sequence[str | None]
    ) -> NDArray[np.float32]:
        assert set(cameras) <= {"c0", "c1"}
        alike = np.zeros_like(vectors)
        alike[:, 0] = 1
        return alike

    news = people(embedder, 120, overlap=True, pictures=False)
    with gallery_of(tmp_path, embedder, news) as gallery:
        same = Scoring(camera_normalised=True, normalise=flattened, generation=7)
        calibration, _ = calibrate_gallery(gallery, embedder, [RAW, same])

    raw, normalised = calibration.tables
    assert (raw.camera_normalised, normalised.camera_normalised) == (False, True)
    assert calibration.statistics_generation == 7
    assert raw.threshold(0.1) is not None
    # All pairs are equal: no cosine keeps any of them out.
    assert normalised.threshold(0.1) is None


def test_an_empty_gallery_calibrates_nothing(tmp_path: Path) -> None:
    with make_gallery(tmp_path) as gallery:
        gallery.enrol(tracklet("alone", 1, pictures=[picture(1)], embedding=unit(1)), actor="test")
        calibration, _ = calibrate_gallery(gallery, None, [RAW])

    assert calibration.source.impostor_pairs == 0
    assert calibration.tables[0].threshold(0.1) is None
