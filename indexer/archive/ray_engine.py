"""Decodes and embeds on a Ray cluster; whatever touches the gallery stays with the caller.

Archive and model bundle must lie under the same paths on every machine (a shared file system).
Each worker holds a model of its own. A failing tracklet comes back as a refusal: left to Ray, one
bad row would take the rest of its block along. One processor is left free, because Ray's own
reading starves, and everything hangs, where workers hold them all.
"""

import itertools
import pickle
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from indexer.archive.preparation import Embedded, Outcome, Preparation, Ready
from indexer.archive.reading import PictureReader
from indexer.archive.sources import Pictures, Refusal
from indexer.archive.survey import Survey
from model.errors import DeviceLost, ModelFailure
from model.runtime import load_embedder
from model.session import Device

_CHUNK: Final = 20_000
"""Tracklets handed to the cluster at once; the workers load their model anew for each portion."""
_BATCH: Final = 16


@dataclass
class RayEngine:
    """Hands new tracklets of pictures to Ray Data; what the gallery knows is compared here."""

    preparation: Preparation
    bundle: Path
    device: Device
    embedding_seconds: float = 0.0
    """Divided by the number of workers, so that it compares with the time by the clock."""

    def outcomes(self, survey: Survey) -> Generator[Outcome, None, None]:
        """What becomes of every source of a survey. Raises `DeviceLost`.

        A survey of videos gives nothing: their frames depend on one another and stay local.
        """
        sources = survey.pictures()
        while chunk := list(itertools.islice(sources, _CHUNK)):
            fresh: list[Pictures] = []
            for source in chunk:
                if isinstance(source, Refusal):
                    yield source
                elif self.preparation.is_new(source.label):
                    fresh.append(source)
                else:
                    yield from self._compared(source)
            if fresh:
                yield from self._embedded(fresh)

    def _compared(self, source: Pictures) -> Iterator[Outcome]:
        prepared = self.preparation.of_pictures(source)
        if not isinstance(prepared, Ready):
            yield prepared
        else:  # erased between the two looks at the gallery
            yield from self._embedded([source])

    def _embedded(self, sources: Iterable[Pictures]) -> Iterator[Outcome]:
        import ray
        from ray.data import ActorPoolStrategy, DataContext

        ray.init(
            ignore_reinit_error=True,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
        DataContext.get_current().enable_progress_bars = False
        on_gpu = self.device == "cuda"
        workers = int(ray.cluster_resources().get("GPU" if on_gpu else "CPU", 0))
        workers = max(1, workers if on_gpu else workers - 1)
        rows = [{"source": pickle.dumps(source)} for source in sources]
        answers = ray.data.from_items(
            rows, override_num_blocks=-(-len(rows) // _BATCH)
        ).map_batches(
            Worker,
            fn_constructor_args=(self.preparation.reader, self.bundle, self.device),
            fn_constructor_kwargs={"keep_pictures": self.preparation.keep_pictures},
            compute=ActorPoolStrategy(size=workers),
            batch_size=_BATCH,
            batch_format="pyarrow",
            num_gpus=1 if on_gpu else 0,
        )
        for row in answers.iter_rows():
            # Written by our own workers, on machines that run our own code.
            outcome, seconds = pickle.loads(row["outcome"])  # noqa: S301
            self.embedding_seconds += seconds / workers
            if isinstance(outcome, DeviceLost):
                raise outcome
            yield outcome


class Worker:
    """One process of the cluster: pickled sources in, pickled outcomes and seconds out."""

    def __init__(
        self, reader: PictureReader, bundle: Path, device: Device, *, keep_pictures: bool
    ) -> None:
        self._reader, self._keep_pictures = reader, keep_pictures
        self._embedder = load_embedder(bundle, device, threads=1)

    def __call__(self, batch: Any) -> Any:
        """Tables of Arrow, with one column of bytes each."""
        import pyarrow as pa

        sources: list[Pictures] = [
            pickle.loads(source)  # noqa: S301 - from the driver
            for source in batch.column("source").to_pylist()
        ]
        outcomes = [pickle.dumps(self._safely(source)) for source in sources]
        return pa.table({"outcome": pa.array(outcomes, pa.binary())})

    def _safely(self, source: Pictures) -> tuple[Any, float]:
        try:
            return self._outcome(source)
        except DeviceLost as lost:
            return lost, 0.0
        # Ray would drop every other row of the block with this one.
        except Exception as error:  # noqa: BLE001
            return source.label.refused(f"{type(error).__name__}: {error}"), 0.0

    def _outcome(self, source: Pictures) -> tuple[Embedded | Refusal, float]:
        content = self._reader.read(source)
        if isinstance(content, Refusal):
            return content, 0.0
        decoded = self._reader.decode(source, content)
        if isinstance(decoded, Refusal):
            return decoded, 0.0
        began = time.monotonic()
        (answer,) = self._embedder.embed([decoded.frames])
        seconds = time.monotonic() - began
        if isinstance(answer, ModelFailure):
            return source.label.refused(answer.detail), seconds
        pictures = tuple(decoded.pictures()) if self._keep_pictures else ()
        ready = Ready(source.label, content.sha256, decoded, pictures)
        return Embedded.of(ready, answer), seconds
