"""Frames as single files, and errors that say which file is missing and where it belongs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model.errors import InvalidParameter

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True)
class FrameFiles:
    """A tracklet whose frames are files."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> bytes:
        try:
            return self.paths[index].read_bytes()
        except OSError as error:
            raise InvalidParameter(f"frame {self.paths[index]} cannot be read") from error


def require(layout: str, path: Path) -> Path:
    """`path` itself. Raises `InvalidParameter` where nothing is there."""
    if not path.exists():
        kind = "file" if path.suffix else "folder"
        raise InvalidParameter(f"{layout}: the {kind} {path.name} is missing, expected at {path}")
    return path


def pictures(folder: Path) -> list[Path]:
    """The pictures directly in a folder, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def folders(folder: Path) -> list[Path]:
    """The visible folders directly in a folder, sorted by name."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def non_empty(layout: str, folder: Path, found: Iterable[Path]) -> tuple[Path, ...]:
    """What was found. Raises `InvalidParameter` where that is nothing."""
    paths = tuple(found)
    if not paths:
        raise InvalidParameter(f"{layout}: no pictures in {folder}")
    return paths
