"""The calibration that holds here: read again when the gallery's own is made again meanwhile."""

import threading
from pathlib import Path

import structlog

from indexer.calibration import fitting_calibration
from model.bundle import CALIBRATION, open_bundle
from model.calibration import Calibration
from service.settings import Settings

log = structlog.get_logger("sightline.calibrations")

_State = tuple[int, int, int] | None


class Calibrations:
    """Of one bundle and one gallery. Safe from any thread."""

    def __init__(self, settings: Settings) -> None:
        bundle = open_bundle(settings.model)
        self._model_id = bundle.manifest.model_id
        self._supplied = bundle.calibration
        self._gallery = settings.gallery
        self._lock = threading.Lock()
        self._seen = _state(self._gallery / CALIBRATION)
        self._fitting = self._read()

    def now(self) -> Calibration | None:
        """What fits; None where nothing does."""
        state = _state(self._gallery / CALIBRATION)
        if state != self._seen:
            with self._lock:
                self._seen, self._fitting = state, self._read()
        return self._fitting

    def _read(self) -> Calibration | None:
        return fitting_calibration(
            self._model_id,
            self._gallery,
            self._supplied,
            lambda source, reason: log.warning("calibration_unused", source=source, reason=reason),
        )


def _state(file: Path) -> _State:
    """Another one for another file of that name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
