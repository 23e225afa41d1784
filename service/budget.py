"""Memory for request bodies, shared by all of them."""

from model.errors import QueueFull
from service.retrying import spread


class Budget:
    """Bytes that all request bodies together may hold at once."""

    def __init__(self, total: int) -> None:
        self._total = self._left = total

    @property
    def taken(self) -> int:
        """Bytes that are held now."""
        return self._total - self._left

    def take(self, count: int) -> None:
        """Raises `QueueFull` where that many bytes are not left."""
        if count > self._left:
            raise QueueFull("too many uploads at once", retry_after=spread(1))
        self._left -= count

    def give_back(self, count: int) -> None:
        self._left += count
