"""Writes a calibration where it belongs, whole or not at all."""

import os
import tempfile
from pathlib import Path

from model.bundle import CALIBRATION
from model.calibration import Calibration


def store(calibration: Calibration, folder: Path) -> Path:
    """Put `calibration.json` into a bundle's or a gallery's folder, in the place of any other.

    Whoever reads at that moment finds the old file or the new one. Raises `OSError`.
    """
    handle, fresh = tempfile.mkstemp(dir=folder, prefix=f".{CALIBRATION}-")
    path = folder / CALIBRATION
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(calibration.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # `mkstemp` makes files for the owner alone; a bundle is for all who may read its folder.
        Path(fresh).chmod(folder.stat().st_mode & 0o666 | 0o600)
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
    return path
