"""Which release this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """The installed version; a bare checkout has none."""
    try:
        return version("sightline")
    except PackageNotFoundError:
        return "0+checkout"
