"""Everything Sightline raises on purpose, as one tree.

    SightlineError
    ├── InputRefused              what the caller sent cannot be used
    │   ├── InvalidParameter          a field or a flag has no usable value
    │   ├── FramesOrClip              neither or both of `frames` and `clip`
    │   ├── TooManyFrames             more frames than one tracklet may have
    │   ├── UndecodableFrame          one picture is no JPEG, PNG or WebP, or broken
    │   ├── ImageTooLarge             one picture has too many bytes or pixels
    │   ├── UndecodableClip           the video cannot be read, or not in time
    │   ├── ClipTooLarge              the video is too long or its frames too large
    │   └── RerankUnavailable         the gallery has no neighbour graph to re-rank with
    ├── ModelFailure              the model, not the caller, is at fault
    │   ├── BundleInvalid             a bundle that does not match its manifest
    │   ├── DeviceUnavailable         the device that was asked for is not there
    │   ├── DeviceLost                the device was there and failed while in use
    │   └── ModelOutputInvalid        an embedding that is not finite, or has no length
    ├── GalleryFailure            the gallery cannot do what was asked
    │   ├── NotFound                  no such tracklet, identity, picture or merge
    │   ├── TrackletExists            this id was enrolled with other content
    │   ├── TrackletErased            this id was erased; a tombstone keeps it out
    │   ├── ModelMismatch             an embedding of another model than the gallery's
    │   ├── GalleryMissing            no gallery in that folder
    │   ├── GalleryLocked             another process holds the gallery exclusively
    │   ├── GalleryCorrupt            the store fails its own checks
    │   ├── StorageFull               no room to write
    │   ├── StorageFailed             the disk or the file system refuses
    │   └── ErasePending              rows are gone, some bytes are not yet
    └── RequestRefused            the service will not take this request now, or from this caller
        ├── MalformedBody, UnsupportedMediaType, BodyTooLarge, TooManyParts, BodyTimeout
        ├── KeyMissing, KeyInvalid, RoleTooLow, HostNotAllowed
        └── QueueFull, RateLimited, NotReady, Draining

Every leaf has a stable `code`, the one that clients see. Codes become HTTP statuses in exactly
one place, `service.problems`; here nothing knows HTTP.
"""

from typing import ClassVar


class SightlineError(Exception):
    """Root of the tree; `str(error)` is a sentence for a person."""

    code: ClassVar[str] = "internal"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InputRefused(SightlineError):
    """What the caller sent cannot be used; `frame` is the 0-based place in the upload."""

    def __init__(self, detail: str, *, frame: int | None = None) -> None:
        super().__init__(detail)
        self.frame = frame

    def __reduce__(self) -> tuple[object, ...]:
        # Decoding runs in child processes: the frame's place must survive pickling.
        return _rebuild_refusal, (type(self), self.detail, self.frame)


def _rebuild_refusal(cls: type[InputRefused], detail: str, frame: int | None) -> InputRefused:
    return cls(detail, frame=frame)


class InvalidParameter(InputRefused):
    code = "invalid_parameter"


class FramesOrClip(InputRefused):
    code = "frames_or_clip"


class TooManyFrames(InputRefused):
    code = "too_many_frames"


class UndecodableFrame(InputRefused):
    code = "undecodable_frame"


class ImageTooLarge(InputRefused):
    code = "image_too_large"


class UndecodableClip(InputRefused):
    code = "undecodable_clip"


class ClipTooLarge(InputRefused):
    code = "clip_too_large"


class RerankUnavailable(InputRefused):
    code = "rerank_unavailable"


class ModelFailure(SightlineError):
    """The model, not the caller, is at fault."""


class BundleInvalid(ModelFailure):
    code = "bundle_invalid"


class DeviceUnavailable(ModelFailure):
    code = "device_unavailable"


class DeviceLost(ModelFailure):
    code = "not_ready"


class ModelOutputInvalid(ModelFailure):
    code = "model_output_invalid"


class GalleryFailure(SightlineError):
    """The gallery cannot do what was asked."""


class NotFound(GalleryFailure):
    code = "not_found"


class TrackletExists(GalleryFailure):
    code = "tracklet_exists"


class TrackletErased(GalleryFailure):
    code = "tracklet_erased"


class ModelMismatch(GalleryFailure):
    code = "model_mismatch"


class GalleryMissing(GalleryFailure):
    code = "gallery_missing"


class GalleryLocked(GalleryFailure):
    code = "not_ready"


class GalleryCorrupt(GalleryFailure):
    code = "gallery_corrupt"


class StorageFull(GalleryFailure):
    code = "storage_full"


class StorageFailed(GalleryFailure):
    code = "storage_failed"


class ErasePending(GalleryFailure):
    code = "erase_pending"


class RequestRefused(SightlineError):
    """The service will not take this request now, or from this caller."""

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""


class MalformedBody(RequestRefused):
    code = "malformed_body"


class UnsupportedMediaType(RequestRefused):
    code = "unsupported_media_type"


class BodyTooLarge(RequestRefused):
    code = "body_too_large"


class TooManyParts(RequestRefused):
    code = "too_many_parts"


class BodyTimeout(RequestRefused):
    code = "request_timeout"


class KeyMissing(RequestRefused):
    code = "key_missing"


class KeyInvalid(RequestRefused):
    code = "key_invalid"


class RoleTooLow(RequestRefused):
    code = "role_too_low"


class HostNotAllowed(RequestRefused):
    code = "host_not_allowed"


class QueueFull(RequestRefused):
    code = "queue_full"


class RateLimited(RequestRefused):
    code = "rate_limited"


class NotReady(RequestRefused):
    code = "not_ready"


class Draining(RequestRefused):
    code = "draining"


def codes(kind: type[SightlineError] = SightlineError) -> frozenset[str]:
    """The codes of a class and of all below it."""
    return frozenset({kind.code}).union(*map(codes, kind.__subclasses__()))
