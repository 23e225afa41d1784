"""The weighted sum of a stage's losses, each computed only where its weight is not 0."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from model.learning import losses
from model.learning.batch import Batch
from model.learning.config import LossSettings
from model.network.outputs import HeadOutput, NetworkOutput

T = TypeVar("T")

Gather = Callable[[Tensor], Tensor]
"""Concatenates a tensor [B, ...] over all processes, with gradients."""


@dataclass(frozen=True)
class Objective:
    """A loss to descend and its parts, already weighted, for the log."""

    total: Tensor
    parts: dict[str, Tensor]


class LossMissing(ValueError):
    """A loss is switched on that this network has no output for."""


def objective(
    output: NetworkOutput, batch: Batch, settings: LossSettings, gather: Gather
) -> Objective:
    """All switched-on losses. Comparisons between tracklets run over every process's tracklets.

    Raises `LossMissing` where the network cannot feed a loss.
    """
    with torch.autocast(batch.mask.device.type, enabled=False):
        terms = _Terms(output, batch, settings, gather)
        weights = {name: weight for name, weight in settings.weights if weight}
        parts = {name: weight * getattr(terms, name)() for name, weight in weights.items()}
    if not parts:
        raise LossMissing("a stage needs at least one loss with a weight")
    return Objective(torch.stack(list(parts.values())).sum(), parts)


class _Terms:
    """One method per field of `LossWeights`."""

    def __init__(
        self, output: NetworkOutput, batch: Batch, settings: LossSettings, gather: Gather
    ) -> None:
        self._output, self._batch, self._settings = output, batch, settings
        self._gather = gather
        # A stranger's frame never carries the tracklet's label, whatever the settings.
        own = batch.mask & ~batch.foreign
        self._frames = batch.shows_person(settings.visible_frame) if settings.only_visible else own
        self._parts = (
            batch.shows_part(settings.visible_part, self._frames)
            if settings.only_visible
            else own[:, :, None].expand_as(batch.parts)
        )
        self._frame_labels = batch.labels[:, None].expand_as(batch.mask)
        self._target = losses.visibility_target(batch.visible, batch.foreign, batch.mask)

    def cnn_xent(self) -> Tensor:
        return self._classify(self._output.cnn, self._frame_labels, self._frames)

    def spatial_xent(self) -> Tensor:
        spatial = _needed(self._output.spatial, "spatial_xent")
        return self._classify(spatial.token, self._frame_labels, self._frames)

    def spatial_part_xent(self) -> Tensor:
        spatial = _needed(self._output.spatial, "spatial_part_xent")
        logits = _needed(spatial.parts.logits, "spatial_part_xent")
        smoothing = self._settings.smoothing
        return losses.part_cross_entropy(logits, self._frame_labels, self._parts, smoothing)

    def temporal_xent(self) -> Tensor:
        temporal = _needed(self._output.temporal, "temporal_xent")
        return self._classify(temporal.token, self._batch.labels)

    def global_xent(self) -> Tensor:
        global_ = _needed(self._output.global_, "global_xent")
        return self._classify(global_.token, self._batch.labels)

    def average_xent(self) -> Tensor:
        average = _needed(self._output.average, "average_xent")
        return self._classify(average, self._batch.labels)

    def average_triplet(self) -> Tensor:
        average = _needed(self._output.average, "average_triplet")
        features, labels = self._gather(average.features), self._gather(self._batch.labels)
        return losses.batch_hard_triplet(features, labels, self._settings.margin)

    def temporal_triplet(self) -> Tensor:
        temporal = _needed(self._output.temporal, "temporal_triplet")
        features, labels = self._gather_counted(temporal.frames, self._frames)
        return losses.batch_hard_triplet(features, labels, self._settings.margin)

    def temporal_attention(self) -> Tensor:
        temporal = _needed(self._output.temporal, "temporal_attention")
        limit = losses.even_limit(self._batch.mask)
        if self._settings.weights.temporal_visibility:
            # Otherwise the hinge pushes back on what the target asks for.
            limit = losses.target_limit(self._target)
        return losses.temporal_attention(temporal.attention, limit)

    def contrast(self) -> Tensor:
        return self._contrast(self._vectors())

    def raw_contrast(self) -> Tensor:
        temporal = _needed(self._output.temporal, "raw_contrast")
        global_ = self._output.global_
        tokens = [temporal.token] if global_ is None else [temporal.token, global_.token]
        return self._contrast(token.features for token in tokens)

    def frame_contrast(self) -> Tensor:
        spatial = _needed(self._output.spatial, "frame_contrast")
        features, labels = self._gather_counted(spatial.token.features, self._frames)
        return losses.supervised_contrast(features, labels, self._settings.temperature)

    def part_contrast(self) -> Tensor:
        spatial = _needed(self._output.spatial, "part_contrast")
        terms = []
        for p in range(self._parts.shape[2]):
            counted = self._parts[:, :, p]
            features, labels = self._gather_counted(spatial.parts.post_bn[:, :, p], counted)
            terms.append(losses.supervised_contrast(features, labels, self._settings.temperature))
        return torch.stack(terms).mean()

    def temporal_visibility(self) -> Tensor:
        temporal = _needed(self._output.temporal, "temporal_visibility")
        return losses.attention_divergence(self._target, temporal.attention)

    def global_visibility(self) -> Tensor:
        global_ = _needed(self._output.global_, "global_visibility")
        return losses.attention_divergence(self._target, global_.attention.sum((2, 3)))

    def _contrast(self, vectors: Iterable[Tensor]) -> Tensor:
        """The mean over the given [B, D] of each one's contrast."""
        labels, temperature = self._gather(self._batch.labels), self._settings.temperature
        terms = [losses.supervised_contrast(self._gather(x), labels, temperature) for x in vectors]
        return torch.stack(terms).mean()

    def _vectors(self) -> Iterator[Tensor]:
        """Post-BN vectors that retrieval will use: each part and all together."""
        if self._output.average is not None:
            yield self._output.average.post_bn
            return
        yield _needed(self._output.temporal, "contrast").token.post_bn
        if self._output.global_ is not None:
            yield self._output.global_.token.post_bn
            yield self._output.embedding

    def _classify(self, head: HeadOutput, labels: Tensor, counted: Tensor | None = None) -> Tensor:
        logits = _needed(head.logits, "a cross entropy")
        chosen = torch.ones_like(labels, dtype=torch.bool) if counted is None else counted
        return losses.cross_entropy(logits, labels, chosen, self._settings.smoothing)

    def _gather_counted(self, features: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, L, D] and labels of the counted frames of every process: [n, D], [n]."""
        everywhere = self._gather(counted)
        labels = self._gather(self._frame_labels.contiguous())
        return self._gather(features)[everywhere], labels[everywhere]


def _needed(output: T | None, loss: str) -> T:
    if output is None:
        raise LossMissing(f"{loss} is switched on, but this network has nothing to feed it")
    return output
