"""The run over an archive: an engine decodes and embeds, one writer enrols what it gives.

The stages overlap and are joined by short queues, so that the model never waits for a disk. What
has been done is known to the gallery alone: a run that was killed is simply run again.
"""

import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, Protocol

from indexer.archive.ledger import Ledger
from indexer.archive.preparation import ERASED, Embedded, Outcome, Skipped
from indexer.archive.report import Problem, Report
from indexer.archive.sources import Refusal
from indexer.archive.survey import Survey
from indexer.protocol import Gallery
from indexer.records import NewTracklet
from model.errors import InputRefused, TrackletErased, TrackletExists

ACTOR: Final = "command line"

_WAITING_WRITES: Final = 64


class Engine(Protocol):
    """Whatever turns sources into embedded tracklets."""

    @property
    def embedding_seconds(self) -> float:
        """Time in which the model computed, so far."""

    def outcomes(self, survey: Survey) -> Generator[Outcome, None, None]:
        """What becomes of every source of a survey. Raises `DeviceLost`."""


class _Written:
    """The tracklet is in the gallery."""


@dataclass
class Run:
    """One run over one archive into one gallery of one model."""

    survey: Survey
    engine: Engine
    gallery: Gallery
    ledger: Ledger
    report: Report
    include_erased: bool
    on_tracklet: Callable[[], None]
    """Called for each tracklet that is settled, one way or another."""
    _writes: "deque[Future[_Written | Skipped | Refusal]]" = field(default_factory=deque)

    def go(self) -> None:
        """Index everything that the survey has found.

        What is wrong with single sources ends in the report and the ledger. Raises `DeviceLost`,
        `StorageFull` and whatever else leaves no sense in going on; what was enrolled until then
        stays enrolled.
        """
        began = time.monotonic()
        self.report.found = self.survey.tracklets
        with (
            ThreadPoolExecutor(1, thread_name_prefix="enrol") as writer,
            closing(self.engine.outcomes(self.survey)) as outcomes,
        ):
            for outcome in outcomes:
                if isinstance(outcome, Embedded):
                    self._writes.append(writer.submit(self._enrol, outcome))
                    self._settle_writes(waiting=_WAITING_WRITES)
                else:
                    self._settle(outcome)
            self._settle_writes(waiting=0)
        self.report.indexing_seconds = time.monotonic() - began
        self.report.embedding_seconds = self.engine.embedding_seconds

    def _enrol(self, embedded: Embedded) -> _Written | Skipped | Refusal:
        """Runs in the writer's thread."""
        label, answer = embedded.label, embedded.answer
        new = NewTracklet(
            tracklet_id=label.tracklet_id,
            content_sha256=embedded.content_sha256,
            model_id=self.gallery.model_id,
            embedding=answer.embedding,
            temporal_attention=answer.temporal_attention.tolist(),
            received=embedded.received,
            sampled=embedded.sampled,
            pictures=embedded.pictures,
            identity=label.identity,
            camera=label.camera,
            captured_at=label.captured_at,
            captured_until=label.captured_until,
            attributes=label.attributes,
        )
        try:
            self.gallery.enrol(new, actor=ACTOR, include_erased=self.include_erased)
        except TrackletErased:
            return Skipped(label, ERASED)
        except (TrackletExists, InputRefused) as error:
            return label.refused(error.detail)
        return _Written()

    def _settle_writes(self, *, waiting: int) -> None:
        """Wait until at most `waiting` writes are under way."""
        while len(self._writes) > waiting or (self._writes and self._writes[0].done()):
            outcome = self._writes.popleft().result()
            if isinstance(outcome, _Written):
                self.report.indexed += 1
                self.on_tracklet()
            else:
                self._settle(outcome)

    def _settle(self, outcome: Skipped | Refusal) -> None:
        if isinstance(outcome, Skipped):
            self.report.skipped[outcome.reason] += 1
            self.on_tracklet()
            return
        place, reason, tracklet_id = outcome.place, outcome.reason, outcome.tracklet_id
        self.ledger.failed(self.survey.archive, place, reason, tracklet_id)
        self.report.problems.append(Problem(place, reason, tracklet_id))
        if tracklet_id is not None:
            self.on_tracklet()
