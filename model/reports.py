"""Reports of measurements as JSON files: what a page about a model is made from."""

import json
from pathlib import Path
from typing import Any

from model.errors import InvalidParameter


def write_json(path: Path, answer: Any) -> None:
    """Raises `InvalidParameter` where the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(answer, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidParameter(f"{path} cannot be written: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """Raises `InvalidParameter` where the file is not there or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidParameter(f"{path} is no readable report: {error}") from error
