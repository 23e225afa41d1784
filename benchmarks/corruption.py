"""Damage of every kind: `verify` must name it, or nothing readable may have changed.

Bits flipped and ends torn off in the saved index and in the database file, and every column of
every table changed behind the gallery's back. Where findings say that a rebuild mends them, it is
done and has to.
"""

import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.kills import MODEL, WIDTH, everything, made_up
from benchmarks.machine import ROOT
from benchmarks.serving import environment
from benchmarks.tally import Campaign, Tally
from indexer.gallery import LocalGallery, open_gallery
from indexer.records import TrackletPatch
from indexer.saved import FILE as SAVED
from indexer.saved import load
from indexer.store import FILE
from model.errors import GalleryFailure

_ACTOR = "corruption"

CHANGES = {
    "INTEGER": "{0} = {0} + 1000",
    "TEXT": "{0} = {0} || 'x'",
    "BLOB": "{0} = zeroblob(length({0}))",
    "attributes": "{0} = '{{\"more\": 1}}'",
    "details": "{0} = '{{\"more\": 1}}'",
    "role": "{0} = 'admin'",
}
"""How a value is changed, by its column's name or type."""

MEANINGLESS = {("pictures", "picture")}
"""A number that nothing refers to."""


def fill(folder: Path) -> None:
    """A gallery with something in every table, and a saved index."""
    with _opened(folder, save_index=True, fill=True) as gallery:
        now = datetime.now(UTC)
        for number in range(12):
            gallery.enrol(made_up(f"t{number}", f"p{number % 3}", f"c{number % 2}"), actor=_ACTOR)
        times = TrackletPatch(captured_at=now, captured_until=now, attributes={"a": 1})
        gallery.patch("t1", times, actor=_ACTOR)
        key, _ = gallery.keys.create("desk", "query", timedelta(days=1))
        gallery.keys.revoke(key.key_id)
        gallery.keys.create("door", "enrol", None)
        gallery.merge("p0", "p1", actor=_ACTOR)
        gallery.erase("t5", actor=_ACTOR)


class Trial:
    """One whole gallery, of which a copy is damaged again and again."""

    def __init__(self, folder: Path, seed: int, tally: Tally) -> None:
        self.whole, self.copy = folder / "whole", folder / "copy"
        self.choices, self.tally = random.Random(seed), tally
        fill(self.whole)
        self.content = content(self.whole)

    def damage(self, kind: str, harm: Callable[[Path], None]) -> None:
        """Damage a fresh copy and see what becomes of it."""
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.whole, self.copy)
        harm(self.copy)
        self.tally.count(kind)
        findings = _findings(self.copy)
        if findings is None or findings:
            self.tally.count(f"{kind}_found")
            if findings and all(one.mendable for one in findings):
                self._mend(kind)
        elif self._is_unharmed():
            self.tally.count(f"{kind}_harmless")
        else:
            self.tally.count(f"{kind}_missed")
            self.tally.expect(False, f"{kind}: a change was not found")

    def _mend(self, kind: str) -> None:
        with _opened(self.copy) as gallery:
            gallery.rebuild()
            left = gallery.verify().findings
        self.tally.count("mended", not left)
        self.tally.expect(not left, f"{kind}: {left[:1]} after a rebuild")

    def _is_unharmed(self) -> bool:
        """Whether all that can be read is what was written, and nothing else is searched with."""
        try:
            saved = load(self.copy)
            if content(self.copy) != self.content:
                return False
            with _opened(self.copy, fill=True) as gallery:
                ids = [one.tracklet_id for one in everything(gallery)]
                looked_up = [gallery.get(one).tracklet_id for one in ids]
        except (ValueError, sqlite3.DatabaseError, GalleryFailure):
            return False
        untouched = load(self.whole)
        assert untouched is not None
        same = saved is None or saved.vectors.tobytes() == untouched.vectors.tobytes()
        return same and ids == looked_up

    def flip_saved(self, folder: Path) -> None:
        _flip(folder / SAVED, self.choices)

    def tear_saved(self, folder: Path) -> None:
        data = (folder / SAVED).read_bytes()
        (folder / SAVED).write_bytes(data[: self.choices.randrange(len(data))])

    def flip_database(self, folder: Path) -> None:
        _flip(folder / FILE, self.choices)

    def tear_database(self, folder: Path) -> None:
        data = (folder / FILE).read_bytes()
        (folder / FILE).write_bytes(data[: self.choices.randrange(1, len(data))])


def content(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in tables.fetchall()
        }


def columns(folder: Path) -> list[tuple[str, str, str]]:
    """(table, column, type) of all that is stored and not empty."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = [
            (table, row[1], row[2])
            for (table,) in tables.fetchall()
            if table != "sqlite_sequence"
            for row in connection.execute(f"PRAGMA table_info({table})")
        ]
        return [
            (table, column, kind)
            for table, column, kind in found
            if connection.execute(f"SELECT count({column}) FROM {table}").fetchone()[0]
        ]


def change(table: str, column: str, kind: str) -> Callable[[Path], None]:
    """Changes a column as no program of ours would."""
    how = CHANGES.get(column, CHANGES[kind]).format(column)

    def harm(folder: Path) -> None:
        with closing(sqlite3.connect(folder / FILE)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute("DROP TRIGGER audit_is_never_changed")
            connection.execute(f"UPDATE {table} SET {how} WHERE {column} NOT NULL")
            connection.commit()

    return harm


def drop_row(table: str) -> Callable[[Path], None]:
    """Deletes one row of a table."""

    def harm(folder: Path) -> None:
        with closing(sqlite3.connect(folder / FILE)) as connection:
            connection.execute("DROP TRIGGER audit_is_never_cut")
            connection.execute(
                f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})"
            )
            connection.commit()

    return harm


def _flip(file: Path, choices: random.Random) -> None:
    data = bytearray(file.read_bytes())
    place = choices.randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8
    file.write_bytes(data)


def _opened(folder: Path, **options: Any) -> LocalGallery:
    given: dict[str, Any] = {"model_id": MODEL, "width": WIDTH, "create": True, "threads": 1}
    return open_gallery(folder, **(given | {"fill": False} | options))


def _findings(folder: Path) -> tuple[Any, ...] | None:
    """None where the gallery does not even open."""
    try:
        with _opened(folder) as gallery:
            return gallery.verify().findings
    except GalleryFailure:
        return None


def _command_agrees(trial: Trial) -> None:
    """`sightline gallery verify` says the same by its exit code."""
    for damaged in (False, True):
        shutil.rmtree(trial.copy, ignore_errors=True)
        shutil.copytree(trial.whole, trial.copy)
        if damaged:
            change("tracklets", "identity", "TEXT")(trial.copy)
        words = ["gallery", "verify", "--gallery", str(trial.copy), "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", *words],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
        )
        trial.tally.expect(done.returncode == damaged, "the command's exit code is wrong")


def run(seed: int, quick: bool) -> Tally:
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), seed, tally)
        for table, column, kind in columns(trial.whole):
            if (table, column) not in MEANINGLESS:
                trial.damage("changed", change(table, column, kind))
        for table in ("tracklets", "vectors", "pictures", "audit"):
            trial.damage("dropped", drop_row(table))
        for _ in range(20 if quick else 150):
            trial.damage("saved_flipped", trial.flip_saved)
            trial.damage("saved_torn", trial.tear_saved)
            trial.damage("flipped", trial.flip_database)
            trial.damage("flipped", trial.flip_database)
            trial.damage("torn", trial.tear_database)
        _command_agrees(trial)
    return tally


CORRUPTION = Campaign(
    name="corruption",
    title="damaged files, rows changed behind the gallery's back",
    run=run,
    done="{changed} columns changed and {dropped} rows dropped by SQL; in the saved index "
    "{saved_flipped} bits flipped and {saved_torn} ends torn off; in the database {flipped} bits "
    "flipped and {torn} ends torn off",
    seen="found {changed_found} and {dropped_found}; {saved_flipped_found} and "
    "{saved_torn_found}; {flipped_found} and {torn_found}; the other {flipped_harmless} flips "
    "changed nothing that can be read; {changed_missed} + {flipped_missed} + {torn_missed} missed; "
    "{mended} mended by `rebuild`, all that can be",
)
