"""API keys: shown once, kept as hashes, ended by time or by hand, in a gallery or in a file."""

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.gallery import LocalGallery
from indexer.keys import LONGEST_PERIOD, ROLES, FileKeys, KeyStore, parse_period
from model.errors import GalleryCorrupt, GalleryMissing, InvalidParameter, NotFound
from tests.support.galleries import holds


@pytest.fixture(params=["gallery", "file"])
def keys(request: pytest.FixtureRequest, gallery: LocalGallery, tmp_path: Path) -> KeyStore:
    return gallery.keys if request.param == "gallery" else FileKeys(tmp_path / "keys.json")


def test_a_key_opens_what_its_role_allows(keys: KeyStore) -> None:
    for role in ROLES:
        key, text = keys.create(f"desk {role}", role, None)
        known = keys.authenticate(text)
        assert known == key
        assert [known.may(other) for other in ROLES] == sorted(
            (ROLES.index(other) <= ROLES.index(role) for other in ROLES), reverse=True
        )
    assert len(keys.list()) == 3


def test_what_is_no_key_opens_nothing(keys: KeyStore) -> None:
    _, text = keys.create("desk", "query", None)
    for wrong in ("", text[:-1], text + "A", text.swapcase(), "é\udcff", "\0"):
        assert keys.authenticate(wrong) is None


def test_only_a_hash_is_kept(keys: KeyStore, tmp_path: Path) -> None:
    _, text = keys.create("desk", "query", None)
    assert len(text) >= 43  # 32 bytes
    assert holds(tmp_path, text.encode()) == []


def test_two_are_valid_at_once_for_rotation(keys: KeyStore) -> None:
    old, old_text = keys.create("desk", "query", None)
    new, new_text = keys.create("desk", "query", None)
    assert (keys.authenticate(old_text), keys.authenticate(new_text)) == (old, new)
    revoked = keys.revoke(old.key_id)
    assert revoked.revoked_at is not None
    assert keys.authenticate(old_text) is None
    assert keys.authenticate(new_text) == new
    assert keys.revoke(old.key_id) == revoked
    with pytest.raises(NotFound):
        keys.revoke("no such id")
    assert {key.key_id for key in keys.list()} == {old.key_id, new.key_id}


def test_an_expired_key_is_listed_but_opens_nothing(keys: KeyStore) -> None:
    _, ended = keys.create("desk", "query", timedelta(0))
    _, going = keys.create("desk", "query", timedelta(days=90))
    assert keys.authenticate(ended) is None
    assert keys.authenticate(going) is not None
    assert len(keys.list()) == 2


@pytest.mark.parametrize(("name", "role"), [("", "query"), ("a/b", "query"), ("desk", "root")])
def test_refuses_names_and_roles_that_are_none(keys: KeyStore, name: str, role: str) -> None:
    with pytest.raises(InvalidParameter):
        keys.create(name, role, None)  # type: ignore[arg-type]
    keys.create("the first", "query", None)
    assert len(keys.list()) == 1


def test_a_keys_file_is_private_and_changes_are_seen(tmp_path: Path) -> None:
    one, other = FileKeys(tmp_path / "keys.json"), FileKeys(tmp_path / "keys.json")
    key, text = one.create("desk", "admin", None)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert other.authenticate(text) == key
    one.revoke(key.key_id)
    assert other.authenticate(text) is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"keys": [{}]}', '{"keys": [{"id": "x", "name": "n", "role": "root"}]}', "\udcff"],
)
def test_a_broken_keys_file_lets_nobody_in(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(GalleryCorrupt):
        FileKeys(tmp_path / "keys.json").authenticate("anything")


def test_a_keys_file_that_is_replaced_keeps_its_owner_and_rights(tmp_path: Path) -> None:
    """Whoever revokes a key may be another user than the service that has to read the file."""
    path = tmp_path / "keys.json"
    keys = FileKeys(path)
    key, _ = keys.create("desk", "query", None)
    path.chmod(0o640)
    owner = (4321, 4321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)

    keys.revoke(key.key_id)

    now = path.stat()
    assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (*owner, 0o640)


def test_a_keys_file_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(GalleryMissing):
        FileKeys(tmp_path / "no" / "keys.json").create("desk", "query", None)


def test_a_keys_file_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "keys.json")

    for ask in (keys.list, lambda: keys.authenticate("x"), lambda: keys.revoke("x")):
        with pytest.raises(GalleryMissing, match="keys create"):
            ask()

    assert not (tmp_path / "keys.json").exists()


def test_a_keys_file_that_vanishes_lets_nobody_in(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "keys.json")
    _, text = keys.create("desk", "query", None)
    (tmp_path / "keys.json").unlink()

    with pytest.raises(GalleryMissing):
        keys.authenticate(text)


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    FileKeys(tmp_path / "keys.json").create("desk", "query", timedelta(days=1))
    (entry,) = json.loads((tmp_path / "keys.json").read_text())["keys"]
    fields = ["id", "name", "role", "sha256", "created_at", "expires_at", "revoked_at"]
    assert list(entry) == fields


@given(st.integers(1, 999_999), st.sampled_from("smhdw"))
def test_periods(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[unit]
    if number * seconds > LONGEST_PERIOD.total_seconds():
        with pytest.raises(InvalidParameter):
            parse_period(f"{number}{unit}")
    else:
        assert parse_period(f"{number}{unit}") == timedelta(seconds=number * seconds)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "0d", "1y", "1000000d", "9e9d"])
def test_refuses_periods_that_are_none(text: str) -> None:
    with pytest.raises(InvalidParameter):
        parse_period(text)
