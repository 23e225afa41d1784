"""The campaigns, in the order of the page."""

from typing import Final

from benchmarks.api_fuzzing import API_FUZZING
from benchmarks.bombs import BOMBS
from benchmarks.corruption import CORRUPTION
from benchmarks.departures import DEPARTURES
from benchmarks.draining import DRAINING
from benchmarks.full_disk import FULL_DISK
from benchmarks.histories import HISTORIES
from benchmarks.index_kills import INDEX_KILLS
from benchmarks.input_fuzzing import INPUT_FUZZING
from benchmarks.keyless import KEYLESS
from benchmarks.kills import KILLS
from benchmarks.overload import OVERLOAD
from benchmarks.removals import REMOVALS
from benchmarks.residues import RESIDUES
from benchmarks.service_kills import SERVICE_KILLS
from benchmarks.slow_connections import SLOW_CONNECTIONS
from benchmarks.soak import SOAK
from benchmarks.sync_faults import SYNC_FAULTS
from benchmarks.tally import Campaign

CAMPAIGNS: Final[tuple[Campaign, ...]] = (
    KILLS,
    INDEX_KILLS,
    SERVICE_KILLS,
    SYNC_FAULTS,
    FULL_DISK,
    CORRUPTION,
    RESIDUES,
    HISTORIES,
    OVERLOAD,
    DRAINING,
    DEPARTURES,
    SOAK,
    SLOW_CONNECTIONS,
    KEYLESS,
    BOMBS,
    API_FUZZING,
    INPUT_FUZZING,
    REMOVALS,
)
