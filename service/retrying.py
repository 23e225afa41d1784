"""When refused callers should come back: not all of them at once."""

import random


def spread(seconds: float) -> float:
    """Between once and twice so many seconds, so that those refused together come back apart."""
    return random.uniform(seconds, 2 * seconds)  # noqa: S311
