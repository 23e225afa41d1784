"""RFC 3339 in, UTC inside, `Z` out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import InvalidParameter
from model.times import format_time, parse_time

aware_times = st.datetimes(
    min_value=datetime(1970, 1, 2),
    max_value=datetime(9998, 1, 1),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(aware_times)
def test_a_time_survives_formatting_and_parsing(time: datetime) -> None:
    text = format_time(time)

    assert text.endswith("Z")
    assert parse_time(text, "captured_at") == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-05-01T12:00:00Z", datetime(2024, 5, 1, 12, tzinfo=UTC)),
        ("2024-05-01t12:00:00z", datetime(2024, 5, 1, 12, tzinfo=UTC)),
        (" 2024-05-01 12:00:00Z ", datetime(2024, 5, 1, 12, tzinfo=UTC)),
        ("2024-05-01T12:00:00.5+02:00", datetime(2024, 5, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-05-01T12:00:00.123456789Z", datetime(2024, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2024-02-29T23:30:00-01:00", datetime(2024, 3, 1, 0, 30, tzinfo=UTC)),
    ],
)
def test_every_form_becomes_utc(text: str, time: datetime) -> None:
    parsed = parse_time(text, "captured_at")

    assert parsed == time
    assert parsed is not None
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_text_is_no_time(text: str | None) -> None:
    assert parse_time(text, "captured_at") is None


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:00:00",
        "2024-05-01",
        "1714564800",
        "yesterday",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-05-01T25:00:00Z",
        "2024-05-01T12:00:60Z",
        "2024-05-01T12:00:00+25:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:00:00-10:00",
        "\u0662\u0660\u0662\u0664-05-01T12:00:00Z",
        "2024-05-01T12:00:00Z\x00",
    ],
)
def test_everything_else_is_refused_by_its_field_only(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^captured_after ") as refused:
        parse_time(text, "captured_after")

    assert text not in str(refused.value)


def test_whole_seconds_are_written_without_a_fraction() -> None:
    assert format_time(datetime(2024, 5, 1, 12, tzinfo=UTC)) == "2024-05-01T12:00:00Z"
    assert format_time(datetime(2024, 5, 1, 12, 0, 0, 7, tzinfo=UTC)).endswith(":00.000007Z")
