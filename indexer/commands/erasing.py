"""What `sightline gallery erase` was asked to erase, and what came of it.

Every receipt counts: one that cannot be erased neither stops the rest nor hides their receipts.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from indexer.commands.printing import counted
from indexer.gallery import LocalGallery
from indexer.keys import parse_period
from indexer.records import Receipt
from model.errors import InvalidParameter, SightlineError
from model.names import clean_name, clean_tracklet_id
from model.terminal import console, output
from model.times import format_time


@dataclass(frozen=True)
class Failure:
    """What could not be erased, by the name it was asked for."""

    wanted: str
    error: SightlineError


@dataclass
class Outcome:
    """Receipts of what is gone, and what is not."""

    receipts: list[Receipt] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def attempt(self, wanted: str, erase: Callable[[], Receipt | None]) -> None:
        """Note the receipt of `erase`, or why there is none."""
        try:
            receipt = erase()
        except SightlineError as error:
            self.failures.append(Failure(wanted, error))
        else:
            self.receipts += [] if receipt is None else [receipt]

    def as_json(self) -> dict[str, Any]:
        return {
            "receipts": [
                asdict(receipt) | {"erased_at": format_time(receipt.erased_at)}
                for receipt in self.receipts
            ],
            "failures": [
                {"wanted": one.wanted, "code": one.error.code, "detail": one.error.detail}
                for one in self.failures
            ],
        }

    def show(self) -> None:
        """In words: the receipts on stdout, what failed on stderr."""
        for receipt in self.receipts:
            output.print(
                f"{counted(receipt.tracklets, 'tracklet')} and "
                f"{counted(receipt.pictures, 'picture')} erased, receipt {receipt.receipt_id}"
            )
        for failure in self.failures:
            text = f"error: {failure.wanted}: {failure.error.detail}"
            console.print(text, style="red", markup=False)
        if not self.receipts and not self.failures:
            output.print("there was nothing to erase")


@dataclass(frozen=True)
class Wanted:
    """What the flags ask for."""

    tracklets: Sequence[str]
    identities: Sequence[str]
    older_than_days: float | None

    def erase_from(self, gallery: LocalGallery, actor: str) -> Outcome:
        """Erase one after the other, whatever becomes of each."""
        done = Outcome()
        for one in self.tracklets:
            done.attempt(f"--tracklet {one}", partial(gallery.erase, one, actor=actor))
        for one in self.identities:
            done.attempt(f"--identity {one}", partial(gallery.erase_identity, one, actor=actor))
        if (days := self.older_than_days) is not None:
            done.attempt("--older-than", partial(gallery.erase_expired, days, actor=actor))
        return done


def read_wanted(
    tracklets: Sequence[str], identities: Sequence[str], older_than: str | None
) -> Wanted:
    """The flags, checked before anything is erased. Raises `InvalidParameter`."""
    if not (tracklets or identities or older_than):
        raise InvalidParameter("give --tracklet, --identity or --older-than")
    days = None if older_than is None else parse_period(older_than).total_seconds() / 86_400
    return Wanted([clean_tracklet_id(one) for one in tracklets], _names(identities), days)


def _names(identities: Sequence[str]) -> list[str]:
    names = [clean_name(text, "--identity") for text in identities]
    if None in names:
        raise InvalidParameter("--identity must have a name")
    return [name for name in names if name is not None]
