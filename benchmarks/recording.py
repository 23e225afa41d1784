"""Runs a campaign and keeps what it counted, with what one must know to run it again."""

import time
from pathlib import Path
from typing import Final

from benchmarks.machine import ROOT, commit, is_shared, machine, today
from benchmarks.tally import Campaign, Results, Run

RESULTS: Final[Path] = ROOT / "benchmarks" / "results"


def record(campaign: Campaign, seed: int, quick: bool, results: Results) -> bool:
    """Run, keep, and say in three lines how it went; whether everything held."""
    print(f"{campaign.name}: {campaign.title}", flush=True)
    where = machine() + (", shared with other work" if is_shared() else "")
    started = time.monotonic()
    tally = campaign.run(seed, quick)
    seconds = time.monotonic() - started
    results.add(
        campaign.name,
        Run(
            seed=seed,
            quick=quick,
            date=today(),
            commit=commit(),
            machine=where,
            command=_command(campaign, seed, quick),
            seconds=round(seconds, 1),
            tally=tally,
        ),
    )
    done, seen, holds = campaign.row(tally)
    print(f"  {done}\n  {seen}\n  holds: {holds}  ({seconds:.0f} s)", flush=True)
    return not tally.wrong


def _command(campaign: Campaign, seed: int, quick: bool) -> str:
    words = f"python -m benchmarks.reliability --only {campaign.name} --seed {seed}"
    return words + (" --quick" if quick else "")
