"""The service's settings: each one an environment variable `SIGHTLINE_…`, some also a flag."""

import ipaddress
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from indexer.settings import GallerySettings


class Limits(BaseModel):
    """What `GET /status` tells, so that clients can check before they send."""

    body_bytes: int = Field(examples=[67108864])
    parts: int = Field(examples=[600])
    frames: int = Field(examples=[512])
    frame_bytes: int = Field(examples=[8388608])
    frame_pixels: int = Field(examples=[16800000])
    upload_pixels: int = Field(examples=[537600000])
    clip_seconds: float = Field(examples=[120])
    clip_frames: int = Field(examples=[5000])
    clip_pixels: int = Field(examples=[9500000])
    queue_tracklets: int = Field(examples=[64])
    requests_per_second: float = Field(examples=[50])
    header_seconds: float = Field(examples=[10])
    body_idle_seconds: float = Field(examples=[15])


class Settings(GallerySettings):
    """Everything `sightline serve` can be told."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; without keys only loopback."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port; 0 takes a free one.")
    keys_file: Path | None = Field(
        default=None, description="File with key hashes, besides those in the gallery."
    )
    tls_cert: Path | None = Field(default=None, description="Certificate chain (PEM) for TLS.")
    tls_key: Path | None = Field(default=None, description="Private key (PEM) of `tls_cert`.")
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks, comma-separated, whose forwarded headers name the "
        "client.",
    )
    max_body_bytes: int = Field(
        default=64 * 2**20, gt=0, le=2**32, description="Bytes of a request body."
    )
    upload_memory: int = Field(
        default=2**30, gt=0, le=2**40, description="Bytes of all request bodies held at once."
    )
    max_parts: int = Field(default=600, gt=0, le=100_000, description="Parts of a multipart form.")
    queue: int = Field(default=64, gt=0, le=10_000, description="Tracklets admitted at once.")
    key_rate: float = Field(default=50, gt=0, le=1e6, description="Requests a second of one key.")
    bad_key_seconds: float = Field(
        default=1,
        ge=0,
        le=60,
        description="Longest wait for the answer to a bad key, from the sixth of an address on.",
    )
    header_seconds: float = Field(
        default=10,
        gt=0,
        le=3600,
        description="Seconds for a request's headers, and for a TLS handshake, to be complete.",
    )
    body_idle_seconds: float = Field(
        default=15, gt=0, le=3600, description="Seconds that a request body may pause."
    )
    body_rate: int = Field(
        default=1024,
        ge=0,
        le=2**30,
        description="Bytes a second that a body must bring on average, after one such pause.",
    )
    drain_seconds: float = Field(
        default=30, ge=0, le=3600, description="Seconds that requests in flight get at shutdown."
    )
    drain_notice_seconds: float = Field(
        default=1,
        ge=0,
        le=3600,
        description="Seconds between not being ready and refusing connections.",
    )
    retention_interval: float = Field(
        default=3600,
        gt=0,
        le=86_400,
        description="Seconds between two looks for expired tracklets.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, text: str) -> str:
        """uvicorn takes what does not parse for a name that nobody ever has."""
        for one in filter(None, map(str.strip, text.split(","))):
            try:
                ipaddress.ip_network(one)
            except ValueError as error:
                raise ValueError("must be addresses or networks, such as 10.1.0.0/16") from error
        return text

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together")
        if self.max_frames >= self.max_parts:
            raise ValueError(
                "SIGHTLINE_MAX_FRAMES must be below SIGHTLINE_MAX_PARTS: other fields are parts too"
            )
        if self.upload_memory < self.max_body_bytes:
            raise ValueError(
                "SIGHTLINE_UPLOAD_MEMORY must hold one body of SIGHTLINE_MAX_BODY_BYTES at least"
            )
        if self.drain_notice_seconds > self.drain_seconds:
            raise ValueError("SIGHTLINE_DRAIN_NOTICE_SECONDS is a part of SIGHTLINE_DRAIN_SECONDS")
        return self

    def limits(self) -> Limits:
        decode = self.decode_limits
        return Limits(
            body_bytes=self.max_body_bytes,
            parts=self.max_parts,
            frames=decode.max_frames,
            frame_bytes=decode.frame_bytes,
            frame_pixels=decode.frame_pixels,
            upload_pixels=decode.upload_pixels,
            clip_seconds=decode.clip_seconds,
            clip_frames=decode.clip_frames,
            clip_pixels=decode.clip_pixels,
            queue_tracklets=self.queue,
            requests_per_second=self.key_rate,
            header_seconds=self.header_seconds,
            body_idle_seconds=self.body_idle_seconds,
        )
