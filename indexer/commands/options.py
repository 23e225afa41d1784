"""What several commands read from the command line in the same way."""

from typing import TYPE_CHECKING, Any, Literal

from model.errors import InvalidParameter

if TYPE_CHECKING:
    from indexer.settings import GallerySettings

Device = Literal["auto", "cpu", "cuda"]


def read_settings(**given: Any) -> "GallerySettings":
    """Settings from the environment, overruled by what was given (None: not given).

    Raises `InvalidParameter` which names the variable or flag that has no usable value.
    """
    from pydantic import ValidationError

    from indexer.settings import GallerySettings

    flags = {name: value for name, value in given.items() if value is not None}
    try:
        return GallerySettings(**flags)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        raise InvalidParameter(f"SIGHTLINE_{name.upper()}: {first['msg']}") from error
