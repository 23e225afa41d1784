"""OpenCV as Sightline uses it: import `cv2` from here, never directly.

OpenCV reads its pixel limit once, when its library is loaded, so the limit has to stand in the
environment before the first import. It is the second line of defence: `model.pictures` reads a
picture's size from its header and refuses it before OpenCV sees a byte.
"""

import os

MAX_PIXELS = 16_800_000
"""The most pixels that one picture may have."""

os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)

import cv2  # noqa: E402  the limit above must come first

# Otherwise every refused upload leaves lines of OpenCV's own on stderr, amid the service's log.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

__all__ = ["MAX_PIXELS", "cv2"]
