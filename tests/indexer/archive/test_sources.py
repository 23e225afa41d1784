from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from indexer.archive.sources import Archive
from model.names import clean_tracklet_id

names = st.text(st.characters(blacklist_characters="/\0"), min_size=1, max_size=200)


@given(archive=names, parts=st.lists(names, min_size=1, max_size=3))
def test_any_names_give_a_valid_id(archive: str, parts: list[str]) -> None:
    try:
        made = Archive(Path("/x"), archive).tracklet_id("/".join(parts))
    except UnicodeEncodeError:
        return  # a lone surrogate that no file system could have given

    assert clean_tracklet_id(made) == made


def test_an_id_tells_where_it_comes_from() -> None:
    made = Archive(Path("/x"), "Märkte 2024").tracklet_id("cam 1/0007")

    assert made.startswith("Markte_2024:cam_1:0007:")


def test_what_looks_the_same_in_an_id_is_kept_apart() -> None:
    places = ["cam 1/t", "cam_1/t", "cäm_1/t", "cam_1/t ", "cam_1:t"]
    archives = [Archive(Path("/x"), name) for name in ("a", "b", "ä")]

    made = {archive.tracklet_id(place) for archive in archives for place in places}

    assert len(made) == len(places) * len(archives)


def test_the_id_depends_on_the_archives_name_and_not_on_where_it_lies() -> None:
    here, there = Archive(Path("/x"), "a"), Archive(Path("/y/z"), "a")

    assert here.tracklet_id("c/t") == there.tracklet_id("c/t")
