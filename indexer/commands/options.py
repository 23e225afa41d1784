"""What several commands read from the command line in the same way."""

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from indexer.settings import GallerySettings

Device = Literal["auto", "cpu", "cuda"]


def gallery_settings(**flags: Any) -> "GallerySettings":
    """As `indexer.settings.read_settings`, which is not imported before a command runs."""
    from indexer.settings import GallerySettings, read_settings

    return read_settings(GallerySettings, flags)
