"""Re-ranking by common neighbours: as the dense offline one, on a gallery's own lists."""

from pathlib import Path

import numpy as np
import pytest

from indexer.gallery import LocalGallery
from indexer.ranking import nearest_candidates
from indexer.records import Filter, Ranking, Search
from indexer.reranking import BLEND, K1, K2
from model.learning.rerank import GalleryGraph
from tests.support.cameras import fill, open_auto, seen, walk
from tests.support.galleries import MODEL, FakeGpu

CAMERAS = ("door", "gate", "yard")


@pytest.fixture
def auto(folder: Path):
    with open_auto(folder) as gallery:
        yield gallery


def look(gallery: LocalGallery, person: int, **wanted: object) -> Ranking:
    search = Search(camera="door", top_k=100, rerank=True, **wanted)  # type: ignore[arg-type]
    return gallery.search(seen(person, "door", 1), MODEL, search, actor="test")


@pytest.mark.parametrize("people", [3, 12, 30])
def test_is_as_strange_as_the_dense_one_says(auto: LocalGallery, people: int) -> None:
    fill(auto, CAMERAS, people)
    look(auto, 0)
    view = auto._view
    vectors = view._vectors.read(np.arange(3 * people)).astype(np.float32)
    dense = GalleryGraph.build(vectors, k1=K1, k2=K2, blend=0.0)
    for person in range(min(people, 8)):
        query = view.normalisation.query(seen(person, "door", 1), "door")
        expected = -dense.rerank(vectors @ query)
        found = view._strange(query, None).of
        assert len(found) == min(100, 3 * people)
        for position, strange in found.items():
            assert strange == pytest.approx(float(expected[position]), abs=1e-4)


def test_orders_by_strangeness_and_cosine_together(auto: LocalGallery) -> None:
    fill(auto, CAMERAS, 12)
    ranking = look(auto, 3)
    assert ranking.scoring.rerank
    view = auto._view
    query = view.normalisation.query(seen(3, "door", 1), "door")
    strange = view._strange(query, None)
    least: dict[str, float] = {}
    for one in nearest_candidates(view, query, None, 36):
        name = one.tracklet_id.split("-")[0]
        least[name] = min(least.get(name, 1.0), strange.of[one.position])
        farthest = one.score
    distances = [
        (1 - BLEND) * least[str(place.identity)[1:]] + BLEND * (1 - place.score) / (1 - farthest)
        for place in ranking.identities
    ]
    assert distances == pytest.approx(sorted(distances), abs=1e-6)
    assert len(distances) == 12


def test_changes_the_order_and_leaves_scores_and_hits(auto: LocalGallery) -> None:
    fill(auto, CAMERAS, 30)
    for person in range(6):
        reranked = {place.identity: place for place in look(auto, person).identities}
        search = Search(camera="door", top_k=100)
        plain = auto.search(seen(person, "door", 1), MODEL, search, actor="test")
        assert not plain.scoring.rerank
        assert {place.identity for place in plain.identities} == reranked.keys()
        for place in plain.identities:
            assert place.identity is not None
            assert reranked[place.identity].score == place.score
            assert reranked[place.identity].tracklets == place.tracklets


def test_no_hit_fails_its_filter(auto: LocalGallery) -> None:
    fill(auto, CAMERAS, 20)
    wanted = Filter(exclude_cameras=frozenset({"door"}), exclude_tracklet="3-gate-0")
    ranking = look(auto, 3, filter=wanted)
    hits = [hit.tracklet for place in ranking.identities for hit in place.tracklets]
    assert len(hits) == 39
    assert {hit.camera for hit in hits} == {"gate", "yard"}
    assert "3-gate-0" not in {hit.tracklet_id for hit in hits}


def test_answers_are_the_same_after_a_restart_and_on_another_device(folder: Path) -> None:
    with open_auto(folder) as gallery:
        fill(gallery, CAMERAS, 20)
        look(gallery, 1)
        gallery.erase("5-gate-0", actor="test")
        gallery.enrol(walk(90, "door"), actor="test")
        before = [look(gallery, person) for person in range(5)]
    for options in (
        {"threads": 1},
        {"threads": 3},
        {"device": "cuda", "make_gpu": lambda: FakeGpu(32)},
    ):
        with open_auto(folder, **options) as gallery:
            assert [look(gallery, person) for person in range(5)] == before


@pytest.mark.parametrize("tracklets", [0, 1, 2])
def test_hardly_anybody_can_be_searched_too(auto: LocalGallery, tracklets: int) -> None:
    auto.enrol_many([walk(n, "door") for n in range(tracklets)], actor="test")
    assert len(look(auto, 0).identities) == tracklets


@pytest.mark.parametrize("identity", ["best", "camera_mean", "template"])
def test_goes_with_every_scoring_of_identities(folder: Path, identity: str) -> None:
    with open_auto(folder, identity_scoring=identity) as gallery:
        fill(gallery, CAMERAS, 30)
        found = [look(gallery, person) for person in range(10)]
        assert {one.scoring.identity for one in found} == {identity}
        first = [one.identities[0].identity == f"p{n}" for n, one in enumerate(found)]
        assert sum(first) >= 8


def test_finds_tracklets_that_cosines_miss(auto: LocalGallery) -> None:
    """Takes of one person name one another, and pull along the one before another camera."""
    takes = [(camera, take) for camera in ("door", "gate") for take in (0, 2)]
    news = [walk(n, camera, take, identity=None) for n in range(50) for camera, take in takes]
    auto.enrol_many(news, actor="test")
    auto.refresh()

    def found(rerank: bool) -> int:
        """Of the first four places of each answer, those that show the person."""
        search = Search(rerank=rerank, top_k=4)
        answers = [
            auto.search(seen(person, "yard", 9), MODEL, search, actor="test").identities
            for person in range(50)
        ]
        return sum(
            place.tracklets[0].tracklet.tracklet_id.startswith(f"{person}-")
            for person, places in enumerate(answers)
            for place in places
        )

    assert found(rerank=True) > found(rerank=False)
