"""Synthesise, train, evaluate, export, enrol, query: the whole life of a model, small.

People are made up and those in the test were never trained on. The margins are far inside what was
seen over three seeds (mAP .08 untrained, .32 colour stripes, .49 to .52 trained), because other
processors round otherwise.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from export.source import read_source
from export.writer import Label, write_bundle
from indexer.gallery import open_gallery
from indexer.records import Filter, NewTracklet, Search
from model.datasets.synthetic import read_synthetic
from model.datasets.tracklets import Dataset, Protocol, TrackletSource
from model.learning.embed import BundleEmbedder, ClipEmbedder, Look, NetworkEmbedder, read_test_clip
from model.learning.evaluate import embed_protocols
from model.learning.parallel import Processes
from model.learning.presets import recipe, with_budget
from model.learning.trainer import Run, train
from model.network.variants import build_network
from model.network.weights import load_weights
from model.runtime import OnnxEmbedder, load_embedder
from model.synthetic import preset, synthesise

FRAMES = 2
MARGIN_OVER_UNTRAINED = 0.25
MARGIN_OVER_STRIPES = 0.08


class ColourStripes:
    """The baseline to beat: colour histograms of eight horizontal stripes of the body."""

    size = (64, 32)

    def embed(self, clips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return np.stack([self._describe(clip) for clip in clips])

    def look(self, clip: NDArray[np.uint8]) -> Look:
        raise NotImplementedError

    @staticmethod
    def _describe(clip: NDArray[np.uint8]) -> NDArray[np.float32]:
        histograms = []
        for stripe in np.split(clip[:, :, 8:24], 8, axis=1):
            bins = (stripe.reshape(-1, 3) // 64).astype(np.int64) @ np.array([16, 4, 1])
            histograms.append(np.sqrt(np.bincount(bins, minlength=64) / len(bins)))
        vector = np.concatenate(histograms).astype(np.float32)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


@dataclass(frozen=True)
class Life:
    """What the tests look at."""

    protocol: Protocol
    weights: Path
    bundle: Path

    def precision(self, embedder: ClipEmbedder) -> float:
        """mAP over people that nobody trained on."""
        (embedded,) = embed_protocols([self.protocol], embedder, frames=FRAMES)
        return embedded.report().scores["mAP"]


def people(folder: Path, count: int, seed: int) -> tuple[TrackletSource, ...]:
    """Everybody of a small, easy world: nobody else walks by, and boxes fit well."""
    config = preset(
        "tiny",
        seed=seed,
        identities=count,
        tracklets_per_identity=4,
        frames_per_tracklet=FRAMES,
        cameras_per_environment=4,
        family_rate=0.0,
        hidden_rate=0.1,
        distractors=(1.0,),
        difficulty=0.5,
        night_rate=0.0,
    )
    synthesise(config, folder)
    data = read_synthetic(folder)
    return (*data.train, *data.protocols[0].query)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    trained, tested = people(folder / "a", 80, seed=11), people(folder / "b", 24, seed=12)
    run = Run(
        config=with_budget(recipe("tiny"), 300),
        dataset=Dataset("small world", trained, ()),
        development=None,
        folder=folder / "run",
        device=torch.device("cpu"),
        processes=Processes(),
        source="random",
    )
    weights = train(run, resume=False, init=None)
    write_bundle(read_source(weights), folder / "bundle", Label("small", "0.0.1"), "fp32")
    return Life(Protocol("unseen people", tested, tested), weights, folder / "bundle")


def test_training_beats_no_training_and_colour_stripes(life: Life) -> None:
    network = load_weights(life.weights)
    torch.manual_seed(0)
    untrained = build_network(network.config)

    found = life.precision(NetworkEmbedder(network, torch.device("cpu")))

    nothing = life.precision(NetworkEmbedder(untrained, torch.device("cpu")))
    assert found > nothing + MARGIN_OVER_UNTRAINED
    assert found > life.precision(ColourStripes()) + MARGIN_OVER_STRIPES


def test_the_exported_model_scores_what_the_network_scored(life: Life) -> None:
    network = NetworkEmbedder(load_weights(life.weights), torch.device("cpu"))

    exported = life.precision(BundleEmbedder(load_embedder(life.bundle, "cpu")))

    assert exported == pytest.approx(life.precision(network), abs=0.01)


def test_a_gallery_of_it_finds_people_across_cameras(life: Life, tmp_path: Path) -> None:
    embedder = load_embedder(life.bundle, "cpu")
    manifest = embedder.manifest
    tracklets = [_embedded(embedder, source) for source in life.protocol.gallery]
    with open_gallery(
        tmp_path, model_id=manifest.model_id, width=manifest.embedding_width, create=True
    ) as gallery:
        for tracklet in tracklets:
            gallery.enrol(tracklet, actor="test")

        found = 0
        for tracklet in tracklets:
            elsewhere = Filter(exclude_cameras=frozenset({str(tracklet.camera)}))
            wanted = Search(top_k=1, filter=elsewhere)
            ranking = gallery.search(tracklet.embedding, manifest.model_id, wanted, actor="test")
            found += ranking.identities[0].identity == tracklet.identity

    # One of 24 people by chance.
    assert found / len(tracklets) > 0.3


def _embedded(embedder: OnnxEmbedder, source: TrackletSource) -> NewTracklet:
    manifest = embedder.manifest
    clip = read_test_clip(source, FRAMES, (manifest.frame_height, manifest.frame_width))
    (answer,) = embedder.embed([clip])
    assert not isinstance(answer, Exception)
    return NewTracklet(
        tracklet_id=None,
        content_sha256=hashlib.sha256(clip.tobytes()).digest(),
        model_id=manifest.model_id,
        embedding=answer.embedding,
        temporal_attention=answer.temporal_attention.tolist(),
        received=len(clip),
        sampled=range(len(clip)),
        identity=f"person {source.identity}",
        camera=str(source.camera),
    )
