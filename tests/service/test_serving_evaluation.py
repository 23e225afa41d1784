"""A data set through the gallery: as research counts it, with every way of scoring."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from model.datasets.tracklets import DISTRACTOR, Protocol, Scope, TrackletSource
from model.errors import InvalidParameter
from model.learning.evaluate import Embedded
from service.evaluate import evaluate
from service.serving_evaluation import WAYS, Way, choose_protocol, evaluate_serving, report
from service.serving_table import serving_rows, serving_table
from tests.support.cameras import seen
from tests.support.people import MemoryFrames

PLAIN = Way(camera_normalised=False, rerank=False, identity=None)
BEST = Way(camera_normalised=False, rerank=False, identity="best")


def protocol(scope: Scope = "everywhere", people: int = 12, cameras: int = 3) -> Protocol:
    """People before each camera of two places; the last one is a distractor."""
    tracklets = tuple(
        TrackletSource(
            identity=DISTRACTOR if person == people - 1 else person,
            camera=10 * place + camera,
            frames=MemoryFrames((b"",)),
            environment=place,
        )
        for place in (0, 1)
        for person in range(people)
        for camera in range(cameras)
    )
    return Protocol("made up", tracklets, tracklets, scope)


def embedded(wanted: Protocol) -> Embedded:
    vectors = np.stack(
        [
            seen(one.identity + 1 + 20 * one.environment, f"c{one.camera}", place)
            for place, one in enumerate(wanted.gallery)
        ]
    )
    stored = vectors.astype(np.float16).astype(np.float32)
    return Embedded(wanted, vectors, stored)


@pytest.mark.parametrize("scope", ["everywhere", "same place"])
def test_plain_tracklets_have_the_figures_of_the_offline_evaluation(scope: Scope) -> None:
    made = embedded(protocol(scope))
    (found,) = evaluate_serving(made, ways=[PLAIN])
    right = made.report().retrieval
    assert found.retrieval.valid.tolist() == right.valid.tolist()
    assert found.retrieval.first_match.tolist() == right.first_match.tolist()
    assert found.retrieval.average_precision == pytest.approx(right.average_precision)
    assert found.retrieval.inverse_penalty == pytest.approx(right.inverse_penalty)


def test_identities_are_asked_among_those_of_other_cameras() -> None:
    made = embedded(protocol(people=8))
    (found,) = evaluate_serving(made, ways=[BEST])
    everything = made.protocol.gallery
    for q, asked in enumerate(made.protocol.query):
        if asked.identity == DISTRACTOR:
            continue
        best: dict[object, float] = {}
        for g, one in enumerate(everything):
            if one.camera != asked.camera:
                who = one.identity if one.identity != DISTRACTOR else ("alone", g)
                best[who] = max(best.get(who, -2), float(made.query[q] @ made.gallery[g]))
        rank = 1 + sum(score > best[asked.identity] for score in best.values())
        if rank <= 20:
            assert found.retrieval.first_match[q] == rank
            assert found.retrieval.average_precision[q] == pytest.approx(1 / rank)


def test_reports_every_way_with_intervals_and_the_gain_over_plain_scoring() -> None:
    made = embedded(protocol("same place", people=14))
    answer = report(made, evaluate_serving(made, most=20))
    assert len(answer["ways"]) == len(WAYS) == 16
    assert answer["queries"] <= 20
    assert json.loads(json.dumps(answer)) == answer
    for way in answer["ways"]:
        for name in ("rank-1", "rank-5", "mAP"):
            low, high = way[name]["interval_95"]
            assert 0 <= low <= way[name]["value"] <= high <= 1
    plain = [way for way in answer["ways"] if way["mAP"]["gain_95"] == [0, 0]]
    assert [way["identity"] for way in plain[:1]] == [None]
    rows = list(serving_rows(answer))
    assert rows[0][:3] == ("tracklets", "no", "no")
    assert rows[-1][:3] == ("identities, template", "yes", "yes")
    assert serving_table(answer | {"model": "made up"}).row_count == 16


def test_wrong_labels_are_those_of_people_who_look_alike_and_cost_accuracy() -> None:
    made = embedded(protocol("same place", people=8))
    template = Way(camera_normalised=False, rerank=False, identity="template")
    right, same, wrong = (
        evaluate_serving(made, ways=[template], wrong_labels=share)[0].retrieval
        for share in (0.0, 0.0, 1.0)
    )
    assert right.average_precision.tolist() == same.average_precision.tolist()
    assert wrong.valid.tolist() == right.valid.tolist()
    # Nobody bears their own name any more.
    assert wrong.scores()["mAP"] < 0.5 * right.scores()["mAP"]


def test_a_gallery_is_one_place() -> None:
    elsewhere, here = protocol("other places"), protocol("same place")
    assert choose_protocol([protocol(), elsewhere, here], None) is here
    for wanted, name in (([elsewhere], None), ([here], "another")):
        with pytest.raises(InvalidParameter):
            choose_protocol(wanted, name)


def test_nobody_to_find_is_an_error() -> None:
    with pytest.raises(InvalidParameter, match="no query has a match"):
        evaluate_serving(embedded(protocol("same place", cameras=1)), ways=[PLAIN])


def test_the_command_reports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With embeddings in the place of a model: `test_commands` has the command with one."""
    made = embedded(protocol(people=6))

    class Data:
        name = "made-up"
        protocols = (made.protocol,)

    monkeypatch.setattr("model.datasets.catalogue.open_dataset", lambda *_, **__: Data)
    monkeypatch.setattr("service.evaluate._embedders", lambda *_: {"m": None})
    monkeypatch.setattr("service.evaluate._embedded", lambda *_: [made])
    app = typer.Typer()
    app.command()(evaluate)
    path = tmp_path / "report.json"
    flags = ["--dataset", "folders", "--root", ".", "--model", "m", "--queries", "6"]
    done = CliRunner().invoke(app, [*flags, "--serving", "--report", str(path)])
    assert done.exit_code == 0, done.output
    assert "identities, template" in done.stdout
    (served,) = json.loads(path.read_text())["serving"]
    assert (served["model"], served["dataset"], len(served["ways"])) == ("m", "made-up", 16)
