"""Names stand in URLs and file names: what passes is safe in both."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import InvalidParameter
from model.names import MAX_NAME, clean_name, clean_tracklet_id


@pytest.mark.parametrize("text", [None, "", "   ", "\u00a0", "\n\t"])
def test_no_text_is_no_name(text: str | None) -> None:
    assert clean_name(text, "camera") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  north gate ", "north gate"),
        ("e\u0301tage", "\u00e9tage"),
        ("\u041a\u0430\u043c\u0435\u0440\u0430 1", "\u041a\u0430\u043c\u0435\u0440\u0430 1"),
        ("...", "..."),
        ("a.b", "a.b"),
        ("x" * MAX_NAME, "x" * MAX_NAME),
        # Decomposed it is longer than the limit, composed it is not.
        ("e\u0301" * MAX_NAME, "\u00e9" * MAX_NAME),
    ],
)
def test_a_name_is_trimmed_and_composed(text: str, name: str) -> None:
    assert clean_name(text, "identity") == name


@pytest.mark.parametrize(
    "text",
    [
        "x" * (MAX_NAME + 1),
        "a/b",
        "a\\b",
        ".",
        "..",
        " .. ",
        "a\x00b",
        "a\nb",
        "a\x1bb",
        "a\x7fb",
        "a\x85b",
        "a\u2028b",
        "a\u2029b",
        "a\ud800b",
    ],
)
def test_what_could_be_a_path_or_break_a_line_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^camera ") as refused:
        clean_name(text, "camera")

    assert text not in str(refused.value) or text.strip() in {".", ".."}


@given(st.text(max_size=140))
def test_a_clean_name_is_safe_and_stays_as_it_is(text: str) -> None:
    try:
        name = clean_name(text, "identity")
    except InvalidParameter:
        return
    if name is None:
        assert not text.strip()
        return
    assert clean_name(name, "identity") == name
    assert 1 <= len(name) <= MAX_NAME
    assert name.encode()
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name)
    assert "/" not in name
    assert "\\" not in name
    assert len(name.splitlines()) == 1


@pytest.mark.parametrize("text", ["a", "7", "A.b_c:d-e", "x" * 128, "0190-aa"])
def test_tracklet_ids_pass_as_they_are(text: str) -> None:
    assert clean_tracklet_id(text) == text


@pytest.mark.parametrize(
    "text",
    ["", " a", "a ", ".a", "-a", ":a", "_a", "a/b", "a b", "\u00e9", "\u0661", "a\n", "x" * 129],
)
def test_other_tracklet_ids_are_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="tracklet_id"):
        clean_tracklet_id(text)
