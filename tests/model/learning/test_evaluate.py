"""From pictures to a report, by the network and by a bundle."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.datasets.tracklets import Protocol, TrackletSource
from model.errors import InvalidParameter
from model.learning.embed import BundleEmbedder, Look, NetworkEmbedder, embed_tracklets
from model.learning.evaluate import Embedded, all_tracklets, embed_protocols, subset
from model.learning.reporting import Report, compare, cross_domain_table, protocol_table
from model.network.config import preset
from model.network.variants import build_network, with_structure
from model.reports import write_json
from model.runtime import load_embedder
from tests.support.fake_bundle import make_bundle
from tests.support.people import dataset, tracklet


class ByColour:
    """Embeds a tracklet as the mean colours of its upper and lower half."""

    size = (64, 32)

    def embed(self, clips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        halves = [c.reshape(len(c), 2, -1, 3).mean((0, 2)).ravel() - 128 for c in clips]
        vectors = np.array(halves, np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def look(self, clip: NDArray[np.uint8]) -> Look:
        raise NotImplementedError


def report(model: str = "colour") -> Report:
    protocols = dataset().protocols
    embedded = embed_protocols(protocols, ByColour(), frames=4)
    return Report(model, "made-up", 4, tuple(half.report(rerank=True) for half in embedded))


def test_a_report_names_its_protocol_and_keeps_every_querys_rank() -> None:
    found = json.loads(json.dumps(report().as_json(), allow_nan=False))

    (protocol,) = found["protocols"]
    assert protocol["protocol"] == "all against all"
    assert protocol["queries"] == protocol["valid_queries"] == protocol["gallery"] == 18
    assert len(protocol["per_query"]["first_match_rank"]) == 18
    assert 0.5 < protocol["scores"]["mAP"] <= 1
    low, high = protocol["intervals_95"]["mAP"]
    assert low <= protocol["scores"]["mAP"] <= high
    assert protocol["verification"]["TPR@FPR=1e-04"] is None
    assert protocol["reranked"]["mAP"] > 0


def test_a_query_without_a_match_has_no_rank() -> None:
    alone = tracklet(500, 0)
    halves = dataset().protocols[0]
    protocol = Protocol("with a stranger", (*halves.query, alone), halves.gallery)

    found = embed_protocols([protocol], ByColour())[0].report().as_json()

    assert found["valid_queries"] == found["queries"] - 1
    assert found["per_query"]["first_match_rank"][-1] is None


def test_no_match_at_all_is_said_so() -> None:
    lonely = Protocol("lonely", (tracklet(1, 0),), (tracklet(1, 0), tracklet(2, 1)))

    with pytest.raises(InvalidParameter, match="lonely: no query has a match"):
        embed_protocols([lonely], ByColour())[0].report()


def test_every_tracklet_is_embedded_once() -> None:
    protocol = dataset().protocols[0]
    seen: list[int] = []

    embed_protocols([protocol, protocol], ByColour(), advance=seen.append)

    assert sum(seen) == len(all_tracklets([protocol])) == 18


def test_a_subset_keeps_whole_people() -> None:
    whole = dataset(test_people=10).protocols[0]

    part = subset(whole, 12)

    people = {t.identity for t in part.query}
    assert len(part.query) == 12
    assert len(people) == 4
    assert part.name != whole.name
    assert subset(whole, 1000) is whole


def test_reports_compare_query_by_query(tmp_path: Path) -> None:
    write_json(tmp_path / "before.json", {"reports": [report().as_json()]})

    (difference,) = compare([report()], tmp_path / "before.json")

    assert difference["intervals_95"]["mAP"] == [0, 0]


def test_reports_of_other_queries_do_not_compare(tmp_path: Path) -> None:
    (tmp_path / "before.json").write_text('{"reports": []}')

    with pytest.raises(InvalidParameter, match="same queries"):
        compare([report()], tmp_path / "before.json")


def test_tables_show_every_model_and_protocol() -> None:
    table = protocol_table(report())
    matrix = cross_domain_table([report("a"), report("b")])

    assert [str(column.header) for column in table.columns] == ["", "all against all"]
    assert list(table.columns[0].cells)[:4] == [
        "queries with a match",
        "gallery",
        "compared with, on average",
        "rank-1",
    ]
    assert list(matrix.columns[0].cells) == ["a", "b"]


@pytest.mark.parametrize("structure", ["stt-gt", "stt", "cnn"])
def test_the_network_embeds_short_tracklets_in_a_batch_as_alone(structure: str) -> None:
    torch.manual_seed(0)
    config = with_structure(preset("tiny"), structure)  # type: ignore[arg-type]
    embedder = NetworkEmbedder(build_network(config), torch.device("cpu"))
    sources: list[TrackletSource] = [tracklet(k, 0, frames=k + 1) for k in range(5)]

    together = embed_tracklets(sources, embedder, frames=4)
    alone = [embed_tracklets([source], embedder, frames=4)[0] for source in sources]

    assert together == pytest.approx(np.stack(alone), abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_a_bundle_embeds_as_it_serves(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    embedder = BundleEmbedder(load_embedder(tmp_path / "bundle", "cpu"))

    embedded: Embedded = embed_protocols(dataset().protocols, embedder, frames=4)[0]

    assert embedded.query.shape == (18, embedder._embedder.manifest.embedding_width)
    assert embedded.report().scores["mAP"] > 0.2
