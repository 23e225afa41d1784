"""`sightline gallery` and `sightline keys` as a script and a person use them."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from indexer.commands.gallery import gallery as gallery_commands
from indexer.commands.keys import keys as keys_commands
from tests.support.galleries import holds, make_gallery, picture, tracklet

app = typer.Typer()
app.add_typer(gallery_commands, name="gallery")
app.add_typer(keys_commands, name="keys")

NARROW = {"COLUMNS": "200", "TERM": "dumb"}


@pytest.fixture
def filled(folder: Path) -> Path:
    with make_gallery(folder) as made:
        for seed in range(4):
            new = tracklet(
                f"t{seed}",
                seed,
                identity=f"p{seed % 2} [bold]",
                camera="c1" if seed else None,
                pictures=[picture(seed)],
            )
            made.enrol(new, actor="test")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=NARROW)


def answer(*arguments: object) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_stats(filled: Path) -> None:
    figures = answer("gallery", "stats", "--gallery", filled)
    assert (figures["tracklets"], figures["identities"], figures["pictures"]) == (4, 2, 4)
    assert "tracklets: 4" in run("gallery", "stats", "--gallery", filled).stdout


def test_list_goes_on_with_a_cursor(filled: Path) -> None:
    first = answer("gallery", "list", "--gallery", filled, "--limit", 3)
    rest = answer("gallery", "list", "--gallery", filled, "--cursor", first["next_cursor"])
    ids = [one["tracklet_id"] for one in first["items"] + rest["items"]]
    assert ids == ["t0", "t1", "t2", "t3"]
    assert rest["next_cursor"] is None
    assert first["items"][0]["frames"] == {"received": 5, "sampled": [0, 3]}
    on_camera = answer("gallery", "list", "--gallery", filled, "--camera", "c1")
    assert len(on_camera["items"]) == 3
    shown = run("gallery", "list", "--gallery", filled, "--limit", 1)
    assert "p0 [bold]" in shown.stdout
    assert "--cursor" in shown.stderr


def test_verify_fails_where_something_is_wrong(filled: Path) -> None:
    good = answer("gallery", "verify", "--gallery", filled)
    assert good == {"ok": True, "checked": 4, "findings": []}
    with make_gallery(filled) as made, made._store.writing() as connection:
        connection.execute("UPDATE vectors SET crc = 0 WHERE seq = 2")
    done = run("gallery", "verify", "--gallery", filled, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["findings"][0]["kind"] == "embedding_damaged"
    assert "t1" in run("gallery", "verify", "--gallery", filled).stderr


def test_rebuild(filled: Path) -> None:
    assert answer("gallery", "rebuild", "--gallery", filled)["tracklets"] == 4
    with make_gallery(filled):
        done = run("gallery", "rebuild", "--gallery", filled)
    assert done.exit_code == 1
    assert "open" in done.stderr


def test_erase_prints_receipts(filled: Path) -> None:
    done = answer(
        "gallery", "erase", "--gallery", filled, "--tracklet", "t0", "--identity", "p1 [bold]"
    )
    assert [one["tracklets"] for one in done["receipts"]] == [1, 2]
    assert all(one["physical"] == "done" for one in done["receipts"])
    assert holds(filled, picture(0)) == []
    assert answer("gallery", "stats", "--gallery", filled)["tracklets"] == 1
    again = run("gallery", "erase", "--gallery", filled, "--tracklet", "t0")
    assert again.exit_code == 1
    nothing = run("gallery", "erase", "--gallery", filled, "--older-than", "90d")
    assert (nothing.exit_code, nothing.stdout.strip()) == (0, "there was nothing to erase")
    assert run("gallery", "erase", "--gallery", filled).exit_code == 2
    assert run("gallery", "erase", "--gallery", filled, "--older-than", "soon").exit_code == 2


def test_one_id_that_is_unknown_costs_no_receipt_of_another(filled: Path) -> None:
    ids = ("--tracklet", "t0", "--tracklet", "nobody", "--tracklet", "t1", "--identity", "none")

    done = run("gallery", "erase", "--gallery", filled, *ids, "--json")

    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [one["tracklets"] for one in told["receipts"]] == [1, 1]
    assert [one["wanted"] for one in told["failures"]] == ["--tracklet nobody", "--identity none"]
    assert {one["code"] for one in told["failures"]} == {"not_found"}
    assert answer("gallery", "stats", "--gallery", filled)["tracklets"] == 2


def test_what_was_not_erased_is_told_to_a_person_too(filled: Path) -> None:
    done = run("gallery", "erase", "--gallery", filled, "--tracklet", "x", "--tracklet", "t0")

    assert done.exit_code == 1
    assert done.stdout.startswith("1 tracklet and 1 picture erased")
    assert done.stderr.strip() == "error: --tracklet x: there is nothing of that name to erase"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--tracklet", "a b"),
        ("--identity", "a/b"),
        ("--identity", " "),
        ("--older-than", "999999w"),
    ],
)
def test_nothing_is_erased_where_one_flag_makes_no_sense(
    filled: Path, wrong: tuple[str, str]
) -> None:
    done = run("gallery", "erase", "--gallery", filled, "--tracklet", "t0", *wrong)

    assert done.exit_code == 2
    assert answer("gallery", "stats", "--gallery", filled)["tracklets"] == 4


def test_backup_and_restore(filled: Path, tmp_path: Path) -> None:
    copy, to = tmp_path / "copy", tmp_path / "to"
    assert answer("gallery", "backup", "--gallery", filled, "--to", copy) == {"backup": str(copy)}
    assert run("gallery", "backup", "--gallery", filled, "--to", copy).exit_code == 2
    assert answer("gallery", "restore", "--from", copy, "--gallery", to) == {"restored": str(to)}
    assert answer("gallery", "verify", "--gallery", to)["ok"]
    missing = run("gallery", "restore", "--from", tmp_path / "no", "--gallery", to)
    assert missing.exit_code == 1


def test_audit_shows_hashes_only(filled: Path) -> None:
    shown = run("gallery", "audit", "--gallery", filled, "--limit", 2)
    assert "enrol" in shown.stdout
    assert "t3" not in shown.stdout
    page = answer("gallery", "audit", "--gallery", filled, "--limit", 2)
    assert [one["entry"] for one in page["items"]] == [4, 3]


def test_audit_is_in_words(filled: Path) -> None:
    with make_gallery(filled) as gallery:
        gallery.picture("t1", 0, actor="desk")

    shown = run("gallery", "audit", "--gallery", filled, "--limit", 1).stdout

    assert "place 0" in shown
    assert "{" not in shown


def test_one_is_not_many(filled: Path) -> None:
    erased = run("gallery", "erase", "--gallery", filled, "--tracklet", "t0").stdout
    verified = run("gallery", "verify", "--gallery", filled).stdout

    assert erased.startswith("1 tracklet and 1 picture erased")
    assert verified == "3 tracklets checked, 0 findings\n"


def test_nothing_is_told_in_words(filled: Path) -> None:
    none = run("gallery", "list", "--gallery", filled, "--camera", "c9")

    assert none.stdout == "no tracklets\n"
    assert run("keys", "list", "--gallery", filled).stdout == "no keys\n"


def test_a_row_that_is_piped_is_one_line(folder: Path) -> None:
    tracklet_id, identity = "t:cat:" + "x" * 122, "y" * 128
    with make_gallery(folder) as made:
        made.enrol(tracklet(tracklet_id, 1, identity=identity), actor="test")

    lines = run("gallery", "list", "--gallery", folder).stdout.splitlines()

    assert lines[1].split()[:2] == [tracklet_id, identity]


@pytest.mark.parametrize("command", ["stats", "list", "verify", "rebuild", "audit"])
def test_makes_no_gallery(command: str, tmp_path: Path) -> None:
    done = run("gallery", command, "--gallery", tmp_path / "none")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: there is no gallery")
    assert "`sightline index` and `sightline serve` make one" in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("place", ["--gallery", "--keys-file"])
def test_keys_are_made_listed_and_revoked(place: str, filled: Path, tmp_path: Path) -> None:
    at = (place, filled if place == "--gallery" else tmp_path / "keys.json")
    made = answer("keys", "create", *at, "--name", "desk", "--role", "enrol", "--expires", "90d")
    assert set(made) == {"id", "key"}
    (listed,) = answer("keys", "list", *at)["items"]
    assert (listed["id"], listed["name"], listed["role"]) == (made["id"], "desk", "enrol")
    assert made["key"] not in json.dumps(listed)
    assert answer("keys", "revoke", made["id"], *at)["revoked_at"] is not None
    assert run("keys", "revoke", "nobody", *at).exit_code == 1
    shown = run("keys", "create", *at, "--name", "desk")
    assert len(shown.stdout.strip()) >= 43
    listed_for_people = run("keys", "list", *at).stdout
    assert "desk" in listed_for_people
    assert "None" not in listed_for_people


def test_a_flag_wins_over_the_environment(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_KEYS_FILE", str(tmp_path / "keys.json"))

    made = run("keys", "create", "--name", "desk", "--gallery", str(filled))

    assert made.exit_code == 0
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize("command", [("list",), ("revoke", "some-id")])
def test_a_keys_file_that_is_not_there_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    done = run("keys", *command, "--keys-file", tmp_path / "no.json")

    assert done.exit_code == 1
    assert "no.json" in done.stderr
    assert not (tmp_path / "no.json").exists()


def test_keys_refuse_what_cannot_be(filled: Path, tmp_path: Path) -> None:
    both = ("--gallery", filled, "--keys-file", tmp_path / "keys.json")
    assert run("keys", "create", *both, "--name", "desk").exit_code == 2
    assert run("keys", "create", "--gallery", filled, "--name", "a/b").exit_code == 2
    assert run("keys", "create", "--gallery", filled, "--name", "a", "--role", "x").exit_code == 2
    for text in ("never", "999999w"):
        period = run("keys", "create", "--gallery", filled, "--name", "a", "--expires", text)
        assert period.exit_code == 2


@pytest.mark.parametrize(
    "command",
    [("gallery", name) for name in ("stats", "list", "verify", "rebuild", "erase", "backup")]
    + [("gallery", "restore"), ("gallery", "audit")]
    + [("keys", name) for name in ("create", "list", "revoke")],
)
def test_every_command_has_an_example(command: tuple[str, str]) -> None:
    shown = run(*command, "--help")
    assert shown.exit_code == 0
    assert f"sightline {command[0]} {command[1]}" in shown.stdout


@pytest.mark.parametrize("commands", [gallery_commands, keys_commands])
def test_help_is_plain_and_offers_no_completion(commands: typer.Typer) -> None:
    shown = CliRunner().invoke(commands, ["--help"]).stdout

    assert "completion" not in shown
    assert "\u256d" not in shown  # a corner of rich's boxes
