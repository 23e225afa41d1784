"""Settings: what makes no sense is refused at the start, by its variable or its flag."""

from typing import Any

import pytest

from indexer.settings import read_settings
from model.errors import InvalidParameter
from model.opencv import MAX_PIXELS
from service.settings import Settings


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("max_frame_pixels", [0, MAX_PIXELS + 1]),
        ("max_clip_pixels", [0, MAX_PIXELS + 1]),
        ("max_upload_pixels", [0, -1]),
        ("max_frame_bytes", [0, 2**40]),
        ("max_frames", [0, 10**6]),
        ("max_clip_seconds", [0, -1, float("nan"), float("inf")]),
        ("retention_days", [0, -1, float("nan"), float("inf"), 1e9]),
        ("threads", [-1, 10**6]),
        ("queue", [0, 10**9]),
        ("key_rate", [0, float("nan"), float("inf")]),
        ("bad_key_seconds", [-1, float("nan"), 1e9]),
        ("header_seconds", [0, float("nan"), float("inf"), 1e9]),
        ("body_idle_seconds", [0, float("inf")]),
        ("body_rate", [-1]),
        ("drain_seconds", [-1, float("inf")]),
        ("retention_interval", [0, float("inf")]),
        ("port", [-1, 65_536, 99_999]),
        ("trusted_proxies", ["*", "localhost", "10.0.0.300", "10.0.0.1/8", "10.0.0.1 10.0.0.2"]),
        ("log_level", ["loud"]),
        ("device", ["tpu"]),
    ],
)
def test_nonsense_is_refused_by_its_name(name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(InvalidParameter, match=f"^--{name.replace('_', '-')}: "):
            read_settings(Settings, {name: value})


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"max_frames": 600}, "SIGHTLINE_MAX_FRAMES"),
        ({"max_parts": 512}, "SIGHTLINE_MAX_PARTS"),
        ({"upload_memory": 2**20}, "SIGHTLINE_UPLOAD_MEMORY"),
        ({"drain_notice_seconds": 31}, "SIGHTLINE_DRAIN_NOTICE_SECONDS"),
        ({"tls_cert": "cert.pem"}, "tls_key"),
    ],
)
def test_what_does_not_go_together_is_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidParameter, match=named):
        read_settings(Settings, settings)


def test_a_variable_is_named_where_no_flag_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_MAX_FRAME_PIXELS", str(10**9))

    with pytest.raises(InvalidParameter, match=r"^SIGHTLINE_MAX_FRAME_PIXELS: "):
        read_settings(Settings, {})


@pytest.mark.parametrize("text", ["", "10.0.0.7", "10.0.0.7, 10.1.0.0/16,2001:db8::/32", "::1"])
def test_proxies_are_addresses_or_networks(text: str) -> None:
    assert read_settings(Settings, {"trusted_proxies": text}).trusted_proxies == text


def test_the_defaults_are_those_of_the_contract() -> None:
    limits = Settings().limits()

    assert limits.body_bytes == 64 * 2**20
    assert limits.upload_pixels == 32 * limits.frame_pixels == 537_600_000
    assert Settings().max_frames < Settings().max_parts
