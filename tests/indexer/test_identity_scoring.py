"""What ranks an identity follows its tracklets: merges, new labels, moves and erasures."""

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from indexer import templates
from indexer.answers import results_of
from indexer.calibration import Decisions
from indexer.gallery import LocalGallery
from indexer.records import Filter, Ranking, Search, TrackletPatch
from tests.support.calibrations import make_calibration
from tests.support.cameras import compared, fill, open_auto, seen, walk
from tests.support.galleries import MODEL

CAMERAS = ("door", "gate", "yard")


def ask(gallery: LocalGallery, wanted: Filter | None = None, **more: object) -> Ranking:
    search = Search(camera="door", top_k=100, filter=wanted or Filter(), **more)  # type: ignore[arg-type]
    return gallery.search(seen(3, "door", 9), MODEL, search, actor="test")


def by_definition(
    gallery: LocalGallery, rows: Mapping[str, tuple[str | None, str | None]], identity: str
) -> dict[str, float]:
    """Scores from scratch: `rows` has the identity and the present camera of each tracklet."""
    own = gallery.normalisation
    query = own.query(seen(3, "door", 9), "door").astype(np.float64)
    members: dict[str, list[tuple[str | None, np.ndarray]]] = {}
    for name, (who, camera) in rows.items():
        person, made_by, take = name.split("-")
        at = None if made_by == "nowhere" else made_by
        vector = compared(own, seen(int(person), at, int(take)), camera)
        members.setdefault(who or name, []).append((camera, vector))
    found = {}
    for who, some in members.items():
        cosines = [float(vector @ query) for _, vector in some]
        total = np.sum([vector for _, vector in some], axis=0)
        cameras = {camera for camera, _ in some}
        best = {
            camera: max(s for s, (at, _) in zip(cosines, some, strict=True) if at == camera)
            for camera in cameras
        }
        found[who] = {
            "best": max(cosines),
            "camera_mean": float(np.mean(list(best.values()))),
            "template": cosines[0]
            if len(some) == 1
            else float(total @ query / np.linalg.norm(total)),
        }[identity]
    return found


@pytest.mark.parametrize("identity", ["best", "camera_mean", "template"])
def test_any_history_leaves_the_scores_of_a_computation_from_scratch(
    folder: Path, identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "_REMEMBERED", 2)
    turn = random.Random(1)
    with open_auto(folder, identity_scoring=identity) as gallery:
        fill(gallery, CAMERAS, 12)
        rows = {f"{n}-{c}-0": (f"p{n}", c) for n in range(12) for c in CAMERAS}
        merges: list[tuple[str, list[str], str, str]] = []
        for step in range(80):
            name = turn.choice(sorted(rows))
            who, camera = rows[name]
            change = turn.choice(["merge", "undo", "label", "move", "erase", "enrol", "refresh"])
            if change == "merge" and who is not None:
                moved = [one for one, (at, _) in rows.items() if at == who]
                into = f"p{turn.randint(0, 11)}"
                if into != who:
                    merge = gallery.merge(who, into, actor="test")
                    merges.append((merge.merge_id, moved, who, into))
                    rows |= {one: (into, rows[one][1]) for one in moved}
            elif change == "undo" and merges:
                merge_id, moved, who, into = merges.pop()
                there = [one for one in moved if one in rows and rows[one][0] == into]
                if there:
                    gallery.undo_merge(merge_id, actor="test")
                    rows |= {one: (who, rows[one][1]) for one in there}
            elif change == "label":
                new = turn.choice([None, "p1", "p2", "somebody"])
                gallery.patch(name, TrackletPatch(identity=new), actor="test")
                rows[name] = (new, camera)
            elif change == "move":
                to = turn.choice([*CAMERAS, None])
                gallery.patch(name, TrackletPatch(camera=to), actor="test")
                rows[name] = (who, to)
            elif change == "erase":
                gallery.erase(name, actor="test")
                del rows[name]
            elif change == "enrol":
                added = walk(turn.randint(0, 11), turn.choice(CAMERAS), step + 1)
                gallery.enrol(added, actor="test")
                rows[str(added.tracklet_id)] = (added.identity, added.camera)
            else:
                gallery.refresh()
            found = {
                place.identity or place.tracklets[0].tracklet.tracklet_id: place.score
                for place in ask(gallery).identities
            }
            assert found == pytest.approx(by_definition(gallery, rows, identity), abs=1e-6)


def test_a_template_holds_only_what_passes_the_filter(folder: Path) -> None:
    with open_auto(folder, identity_scoring="template") as gallery:
        fill(gallery, CAMERAS, 12)
        rows = {f"{n}-{c}-0": (f"p{n}", c) for n in range(12) for c in ("gate", "yard")}
        ranking = ask(gallery, Filter(exclude_cameras=frozenset({"door"})))
        found = {place.identity: place.score for place in ranking.identities}
        assert found == pytest.approx(by_definition(gallery, rows, "template"), abs=1e-6)
        assert {place.compared for place in ranking.identities} == {2}
        assert ranking.scoring.identity == "template"


def test_an_identity_is_decided_by_its_best_pair(folder: Path) -> None:
    """The template has a score of its own; thresholds are about pairs of tracklets."""
    table = make_calibration(MODEL).tables[0]
    decisions = Decisions(data="synthetic", prior=0.01, table=table)
    far = table.rates[0].far
    with open_auto(folder, identity_scoring="template") as gallery:
        fill(gallery, CAMERAS, 12)
        ranking = ask(gallery)
        results, _ = results_of(ranking, decisions, far, 8)
    threshold = decisions.threshold(far)
    assert threshold is not None
    for place, result in zip(ranking.identities, results, strict=True):
        best = max(hit.score for hit in place.tracklets)
        assert result.match == (best >= threshold)
        assert result.probability == decisions.probability(best, 2)
        assert result.score == place.score
        assert result.comparisons == 3
        assert result.false_match_rate == pytest.approx(1 - (1 - far) ** 3)
