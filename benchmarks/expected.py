"""What a gallery ought to hold after what it acknowledged: a model of a few lines.

A step is a list: `["enrol", id, identity, camera]`, `["patch", id, identity, camera]`,
`["merge", source, target]`, `["undo", merge id]`, `["erase", id]`, `["erase_identity", identity]`,
`["rebuild"]`. Nothing else changes what a gallery holds.
"""

from copy import deepcopy
from dataclasses import dataclass, field

Labels = tuple[str | None, str | None]
"""Identity and camera of a tracklet."""

Step = list[str | None]


def often(count: int, *step: str | None) -> list[Step]:
    """A step so many times, for a choice among several."""
    return [list(step)] * count


@dataclass
class _Merge:
    source: str
    target: str
    moved: set[str]


@dataclass
class Expected:
    """Tracklets with their labels, and merges that can be undone."""

    tracklets: dict[str, Labels] = field(default_factory=dict)
    merges: dict[str, _Merge] = field(default_factory=dict)

    def take(self, step: Step, answer: str | None = None) -> None:
        """The step has happened; `answer` is the id of a merge."""
        kind, *what = step
        if kind in {"enrol", "patch"}:
            tracklet_id, identity, camera = what
            assert tracklet_id is not None
            self.tracklets[tracklet_id] = (identity, camera)
            for merge in self.merges.values():
                merge.moved.discard(tracklet_id)
        elif kind == "merge":
            self._merge(str(what[0]), str(what[1]), answer)
        elif kind == "undo":
            self._undo(str(what[0]))
        elif kind == "erase":
            self._erase({str(what[0])})
        elif kind == "erase_identity":
            self._erase(set(self.of(str(what[0]))))
            self.merges = {
                name: merge
                for name, merge in self.merges.items()
                if what[0] not in {merge.source, merge.target}
            }

    def after(self, step: Step) -> dict[str, Labels]:
        """What would be there after a step; everything stays as it is here."""
        other = deepcopy(self)
        other.take(step)
        return other.tracklets

    def of(self, identity: str) -> list[str]:
        return [name for name, (label, _) in self.tracklets.items() if label == identity]

    def identities(self) -> list[str]:
        return sorted({label for label, _ in self.tracklets.values() if label is not None})

    def _merge(self, source: str, target: str, merge_id: str | None) -> None:
        moved = self.of(source)
        for name in moved:
            self.tracklets[name] = (target, self.tracklets[name][1])
        if merge_id is not None:
            self.merges[merge_id] = _Merge(source, target, set(moved))

    def _undo(self, merge_id: str) -> None:
        merge = self.merges[merge_id]
        for name in [one for one in merge.moved if self.tracklets[one][0] == merge.target]:
            self.tracklets[name] = (merge.source, self.tracklets[name][1])
            merge.moved.discard(name)
        if not merge.moved:
            del self.merges[merge_id]

    def _erase(self, names: set[str]) -> None:
        for name in names:
            del self.tracklets[name]
        for merge in self.merges.values():
            merge.moved -= names
        self.merges = {name: merge for name, merge in self.merges.items() if merge.moved}
