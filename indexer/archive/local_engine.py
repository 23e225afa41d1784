"""Decodes and embeds on this machine: the default engine."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from indexer.archive.flow import ahead, side_by_side
from indexer.archive.preparation import Embedded, Outcome, Preparation, Prepared, Ready
from indexer.archive.sources import Pictures, Refusal
from indexer.archive.survey import Survey
from model.errors import ModelFailure
from model.runtime import Embedder

_BATCH: Final = {"cpu": 1, "cuda": 64}
_AHEAD_PER_WORKER: Final = 4
"""Tracklets prepared ahead by each worker: enough never to wait, few enough for any memory."""


@dataclass
class LocalEngine:
    """Several threads decode ahead of the one that embeds."""

    preparation: Preparation
    embedder: Embedder
    workers: int
    embedding_seconds: float = 0.0

    def outcomes(self, survey: Survey) -> Generator[Outcome, None, None]:
        """What becomes of every source of a survey. Raises `DeviceLost`."""
        with closing(self._prepared(survey)) as stream:
            for batch in self._batches(stream):
                yield from self._embedded(batch) if isinstance(batch, list) else [batch]

    @property
    def _batch(self) -> int:
        return _BATCH.get(self.embedder.provider, 1)

    def _prepared(self, survey: Survey) -> Generator[Prepared, None, None]:
        """Everything, prepared: pictures by several workers, videos one after another."""
        most = max(_AHEAD_PER_WORKER * self.workers, 2 * self._batch)
        pictures = side_by_side(
            self._of_pictures, survey.pictures(), workers=self.workers, most=most
        )
        with closing(pictures):
            yield from pictures
        for tracked in survey.videos:
            with closing(ahead(self.preparation.of_footage(tracked), most=most)) as tracks:
                yield from tracks

    def _of_pictures(self, source: Pictures | Refusal) -> Prepared:
        return source if isinstance(source, Refusal) else self.preparation.of_pictures(source)

    def _batches(self, stream: Iterable[Prepared]) -> Iterator[list[Ready] | Outcome]:
        """What has to be embedded, in batches; what has not, as it comes."""
        batch: list[Ready] = []
        for prepared in stream:
            if not isinstance(prepared, Ready):
                yield prepared
                continue
            batch.append(prepared)
            if len(batch) == self._batch:
                yield batch
                batch = []
        if batch:
            yield batch

    def _embedded(self, batch: list[Ready]) -> Iterator[Outcome]:
        began = time.monotonic()
        answers = self.embedder.embed([ready.decoded.frames for ready in batch])
        self.embedding_seconds += time.monotonic() - began
        for ready, answer in zip(batch, answers, strict=True):
            if isinstance(answer, ModelFailure):
                yield ready.label.refused(answer.detail)
            else:
                yield Embedded.of(ready, answer)
