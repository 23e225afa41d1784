"""How large an upload may be before it is refused, and what decoding it may cost."""

from dataclasses import dataclass

from model.errors import InvalidParameter
from model.opencv import MAX_PIXELS


@dataclass(frozen=True)
class DecodeLimits:
    """Every limit of the decoders; the service's settings fill them in.

    Raises `InvalidParameter` where pictures larger than OpenCV's own limit are asked for.
    """

    max_frames: int = 512
    """Frames of one upload."""
    frame_bytes: int = 8 * 2**20
    frame_pixels: int = MAX_PIXELS
    upload_pixels: int = 32 * MAX_PIXELS
    """Pixels of all frames of one upload together; a clip has limits of its own."""
    clip_seconds: float = 120
    clip_frames: int = 5_000
    clip_pixels: int = 9_500_000
    """Pixels of one frame of a video."""
    clip_cpu_seconds: int = 60
    """Processor time that the child process may spend on one clip."""
    clip_wall_seconds: float = 90
    """Time by the clock for one clip; for a whole video, between two of its frames."""
    clip_memory_bytes: int = 1536 * 2**20
    """Address space of the child process."""

    def __post_init__(self) -> None:
        if self.frame_pixels > MAX_PIXELS:
            raise InvalidParameter(f"a frame's pixels are limited to {MAX_PIXELS:,} at most")
