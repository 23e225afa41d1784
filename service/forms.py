"""What callers may ask for: the fields of forms, query strings and JSON bodies.

The same models read the input and describe it in OpenAPI. Names and times follow one rule each,
wherever they come from (`model.names`, `model.times`).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from indexer.enrolment import check_span
from indexer.records import UNCHANGED, Filter, Search, TrackletPatch
from model.errors import InvalidParameter
from model.names import clean_name, clean_tracklet_id
from model.times import parse_time
from service.strict_json import parse_json, validated

MAX_ATTRIBUTES_BYTES: Final = 4096

Explain = Literal["spatial", "frames"]


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("must be a text")


def _clean_name(value: object, info: ValidationInfo) -> str | None:
    return clean_name(_text(value), info.field_name or "name")


def _clean_id(value: object) -> str | None:
    return clean_tracklet_id(text) if (text := _text(value)) else None


def _parse_time(value: object, info: ValidationInfo) -> datetime | None:
    return parse_time(_text(value), info.field_name or "time")


def _attributes_of_form(value: object) -> dict[str, Any] | None:
    """A text that holds an object."""
    return _attributes(_parse_attributes(value) if isinstance(value, str) else value)


def _attributes(value: object) -> dict[str, Any] | None:
    """An object of at most 4 KiB."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidParameter("attributes must be a JSON object")
    if (
        len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        > MAX_ATTRIBUTES_BYTES
    ):
        raise InvalidParameter(f"attributes may have {MAX_ATTRIBUTES_BYTES} bytes")
    return value


def _parse_attributes(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return parse_json(text)
    except ValueError as error:
        raise InvalidParameter("attributes is not JSON") from error


Name = Annotated[
    str | None, BeforeValidator(_clean_name), Field(json_schema_extra={"maxLength": 128})
]
TrackletId = Annotated[
    str | None,
    BeforeValidator(_clean_id),
    Field(json_schema_extra={"pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"}),
]
Time = Annotated[datetime | None, BeforeValidator(_parse_time)]
Attributes = Annotated[dict[str, Any] | None, BeforeValidator(_attributes)]
FormAttributes = Annotated[dict[str, Any] | None, BeforeValidator(_attributes_of_form)]
Cosine = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=1, le=500)]
Cursor = Annotated[str | None, Field(max_length=512)]
Names = Annotated[list[Name], Field(max_length=100)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _TrackletForm(_Asked):
    boxes: str | None = Field(
        default=None,
        description="With `clip`: JSON list of [frame_index, x, y, width, height] in pixels.",
        examples=["[[0, 100, 40, 64, 128]]"],
    )
    camera: Name = Field(default=None, description="Camera name.", examples=["c3"])
    captured_at: Time = Field(
        default=None,
        description="Time of the first frame, with its zone.",
        examples=["2024-05-01T12:00:00Z"],
    )
    captured_until: Time = Field(
        default=None,
        description="Time of the last frame, with its zone.",
        examples=["2024-05-01T12:00:09Z"],
    )


class EnrolForm(_TrackletForm):
    """The fields of an enrolment besides its `frames` or `clip`."""

    identity: Name = Field(
        default=None, description="Label; absent for an unlabelled tracklet.", examples=["p-017"]
    )
    tracklet_id: TrackletId = Field(
        default=None,
        description="The caller's id, which makes enrolment idempotent.",
        examples=["c3-000128"],
    )
    attributes: FormAttributes = Field(
        default=None,
        description="A JSON object of at most 4 KiB, returned with the tracklet.",
        examples=['{"track": 128}'],
    )


class QueryForm(_TrackletForm):
    """The fields of a query besides its `frames` or `clip`."""

    tracklet_id: TrackletId = Field(
        default=None,
        description="Instead of pictures: an enrolled tracklet, left out of its own results.",
        examples=["c3-000128"],
    )
    top_k: int = Field(default=10, ge=1, le=100, description="Identities wanted.")
    cameras: Names = Field(default=[], description="Only tracklets of these cameras.")
    exclude_cameras: Names = Field(default=[], description="No tracklets of these cameras.")
    captured_after: Time = Field(default=None, description="Inclusive.")
    captured_before: Time = Field(default=None, description="Exclusive.")
    min_score: Cosine | None = Field(default=None, description="Least cosine of a result.")
    far: float = Field(
        default=1e-4,
        ge=1e-4,
        le=1e-1,
        allow_inf_nan=False,
        description="False-accept rate of one pair at which `match` is decided.",
    )
    tracklets_per_identity: int = Field(
        default=5, ge=1, le=50, description="Best tracklets listed under each identity."
    )
    rerank: bool = Field(
        default=False,
        description="Re-rank on the gallery's neighbour graph; refused while it is built.",
    )
    explain: list[Explain] = Field(
        default=[],
        max_length=2,
        description="`spatial`: attention maps of the sampled frames; `frames`: their pictures.",
    )

    def search(self) -> Search:
        """What this asks of the gallery."""
        return Search(
            top_k=self.top_k,
            tracklets_per_identity=self.tracklets_per_identity,
            min_score=self.min_score,
            rerank=self.rerank,
            filter=Filter(
                cameras=_present(self.cameras),
                exclude_cameras=_present(self.exclude_cameras),
                captured_after=self.captured_after,
                captured_before=self.captured_before,
                exclude_tracklet=self.tracklet_id,
            ),
        )


class TrackletFilters(_Asked):
    """The query string of `GET /tracklets`."""

    camera: Name = None
    identity: Name = None
    captured_after: Time = Field(default=None, description="Inclusive.")
    captured_before: Time = Field(default=None, description="Exclusive.")
    limit: Limit = 100
    cursor: Cursor = None

    def filter(self) -> Filter:
        return Filter(
            cameras=_present([self.camera]),
            identity=self.identity,
            captured_after=self.captured_after,
            captured_before=self.captured_before,
        )


class PageParameters(_Asked):
    """The query string of every other listing."""

    limit: Limit = 100
    cursor: Cursor = None


class IdentityParameters(PageParameters):
    """The query string of `GET /identities`."""

    prefix: Name = Field(default=None, description="Only names that begin with this.")


class TrackletChanges(_Asked):
    """Changes to a tracklet: an absent field stays; null, or an empty text, clears it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"identity": "p-017", "camera": None}]}, strict=True
    )

    identity: Name = None
    camera: Name = None
    captured_at: Time = None
    captured_until: Time = None
    attributes: Attributes = None

    def patch(self) -> TrackletPatch:
        check_span(self.captured_at, self.captured_until)
        return TrackletPatch(
            **{
                name: getattr(self, name) if name in self.model_fields_set else UNCHANGED
                for name in type(self).model_fields
            }
        )


class MergeInto(_Asked):
    """Which identity takes over; it is made where it does not exist."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"into": "p-017"}]}, strict=True)

    into: Annotated[str, BeforeValidator(_clean_name), Field(json_schema_extra={"maxLength": 128})]


F = TypeVar("F", bound=_TrackletForm)


def read_form(shape: type[F], texts: Mapping[str, Sequence[str]]) -> F:
    """A form's texts as `shape`. An empty text counts as absent. Raises `InvalidParameter`."""
    values: dict[str, str | list[str]] = {}
    for name, given in texts.items():
        present = [text for text in given if text.strip()]
        if name in repeated_fields(shape):
            values[name] = present
        elif len(given) > 1:
            raise InvalidParameter(f"{name} may be sent once")
        elif present:
            values[name] = present[0]
    form = validated(shape, values)
    check_span(form.captured_at, form.captured_until)
    return form


def repeated_fields(shape: type[_TrackletForm]) -> Collection[str]:
    """Fields that may come several times: those with a list for a default."""
    return {name for name, info in shape.model_fields.items() if isinstance(info.default, list)}


def multipart_body(shape: type[_TrackletForm]) -> dict[str, Any]:
    """OpenAPI's description of a form with its files, which `shape` itself does not hold."""
    schema = shape.model_json_schema()
    binary = {"type": "string", "format": "binary"}
    schema["properties"] = {
        "frames": {
            "type": "array",
            "items": binary,
            "minItems": 1,
            "description": "JPEG, PNG or WebP crops of one person in temporal order.",
        },
        "clip": {**binary, "description": "Or one video of the person: mp4, mkv, webm, avi."},
        **schema["properties"],
    }
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


def _present(names: Sequence[str | None]) -> frozenset[str]:
    return frozenset(name for name in names if name is not None)
