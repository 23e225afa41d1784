"""Every promise of reliability, tried: campaigns against the real service and the real gallery.

    python -m benchmarks.reliability                       # all of them, about an hour
    python -m benchmarks.reliability --quick               # all of them, a few minutes
    python -m benchmarks.reliability --only kills --seed 7
    python -m benchmarks.reliability report                # write the tables of docs/reliability.md

Every run is added to the JSON file of its campaign in `--out`; runs of other seeds add up. Exit 1
where something did not hold.
"""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.recording import RESULTS, record
from benchmarks.report import write_page
from benchmarks.suite import CAMPAIGNS
from benchmarks.tally import Results


def main() -> None:
    given = _parser().parse_args()
    results = Results(given.out)
    if given.verb == "report":
        write_page(results)
        return
    chosen = [one for one in CAMPAIGNS if not given.only or one.name in given.only]
    good = [record(campaign, given.seed, given.quick, results) for campaign in chosen]
    sys.exit(not all(good))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", nargs="?", default="run", choices=("run", "report"))
    names = [campaign.name for campaign in CAMPAIGNS]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"of: {', '.join(names)}"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="small numbers")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser


if __name__ == "__main__":
    # Campaigns start children of their own: those must find the packages as well.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    main()
