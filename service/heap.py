"""Memory that a request took is given back when the request is over.

glibc serves large buffers from the system and returns them at once, but only until it has met some:
then it takes the like of them from its heaps, where a small thing that stays keeps them from being
returned. A service that decodes pictures all day grew for hours that way, with nothing lost.
"""

import ctypes
from typing import Final

_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Names of `mallopt`, see its manual page."""

_LARGE_BYTES: Final = 256 * 2**10
_MOST_HEAPS: Final = 2


def return_large_buffers() -> bool:
    """Keep what is large out of the heaps for good. False where the C library knows no such thing.

    To be called before there are threads.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl, macOS
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGE_BYTES) and mallopt(_ARENA_MAX, _MOST_HEAPS))
