"""Stored vectors laid out for search: FAISS on the CPU, and in front of it on a GPU.

A position is the place of a vector in the order of adding. Searches are exact; they say down to
which score their answer is complete, so that a caller can widen until it knows enough. The final
scores come from `scores`, which gives the same bits on every device, with any number of threads.

One flat index uses one core for one query, so the vectors lie in as many shards as there are
threads, position p in shard p % T. Measured at 100,000 x 1536 on two cores: one fp16 index 13 ms,
two shards 9 ms, IndexFlatIP 37 ms, a float32 matrix product 21 ms.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from model.errors import DeviceLost, DeviceUnavailable
from model.threads import thread_budget

Mask = NDArray[np.bool_]
T = TypeVar("T")

_CHUNK = 1024
_SERIAL_ROWS = 2048
_GPU_MOST_RESULTS = 2048


@dataclass(frozen=True)
class Nearest:
    """Positions, best first, and what is known of the rest: `floor` is at least the score of every
    allowed vector that is not among them (minus infinity where there is none)."""

    positions: NDArray[np.int64]
    floor: float


class Vectors(Protocol):
    """Vectors by position. Concurrent searches are safe, changes need the place to themselves."""

    device: str

    def __len__(self) -> int: ...

    def add(self, vectors: NDArray[np.float16]) -> None:
        """Append vectors [n, D]."""

    def blank(self, position: int) -> None:
        """Overwrite a vector with zeros, for erasure; the caller masks the position from now on."""

    def replace(self, positions: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        """Overwrite stored vectors with others [n, D]."""

    def keep(self, positions: NDArray[np.int64]) -> None:
        """Drop all others; what stays moves up in the order given."""

    def read(self, positions: NDArray[np.int64]) -> NDArray[np.float16]:
        """Copies of stored vectors, [n, D]."""

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest:
        """About `k` of the allowed positions with the greatest inner product with `query` [D]."""

    def close(self) -> None: ...


def scores(
    vectors: Vectors, query: NDArray[np.float32], positions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Cosines of unit vectors, at most 1: products in float64, where those of float16 are exact,
    so that neither device nor layout can move a bit."""
    wide = query.astype(np.float64)
    parts = [
        (vectors.read(positions[start : start + _CHUNK]).astype(np.float64) * wide).sum(axis=1)
        for start in range(0, len(positions), _CHUNK)
    ]
    exact = np.concatenate(parts) if parts else np.empty(0)
    return np.minimum(exact, 1.0).astype(np.float32)


def exact_cosines(
    vectors: Vectors, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Cosines of pairs of stored unit vectors, positions [n] each: the same bits for (a, b) and
    (b, a), at most 1."""
    parts = [np.empty(0)]
    for start in range(0, len(left), _CHUNK):
        one, other = (vectors.read(side[start : start + _CHUNK]) for side in (left, right))
        parts.append((one.astype(np.float64) * other.astype(np.float64)).sum(axis=1))
    return np.minimum(np.concatenate(parts), 1.0).astype(np.float32)


class CpuVectors:
    """Flat float16 shards, one per thread."""

    device = "cpu"
    _rounding = 1e-4  # of float32 sums over thousands of components, generously

    def __init__(self, width: int, threads: int) -> None:
        self._width = width
        self._shards = [_flat(width) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="search")

    def __len__(self) -> int:
        return sum(shard.ntotal for shard in self._shards)

    def add(self, vectors: NDArray[np.float16]) -> None:
        _spread(self._shards, len(self), vectors)

    def blank(self, position: int) -> None:
        self._stored(position % len(self._shards))[position // len(self._shards)] = 0

    def replace(self, positions: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        for place in range(len(self._shards)):
            here = positions % len(self._shards) == place
            if here.any():
                self._stored(place)[positions[here] // len(self._shards)] = vectors[here]

    def keep(self, positions: NDArray[np.int64]) -> None:
        fresh = [_flat(self._width) for _ in self._shards]
        for start in range(0, len(positions), _CHUNK):
            _spread(fresh, start, self.read(positions[start : start + _CHUNK]))
        self._shards = fresh

    def read(self, positions: NDArray[np.int64]) -> NDArray[np.float16]:
        rows = np.empty((len(positions), self._width), dtype="<f2")
        for place in range(len(self._shards)):
            here = positions % len(self._shards) == place
            if here.any():
                rows[here] = self._stored(place)[positions[here] // len(self._shards)]
        return rows

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest:
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, count)
        if k == 0:
            return Nearest(np.empty(0, np.int64), -np.inf)
        found = self._everywhere(lambda place: self._search_shard(place, query, k, allowed))
        positions = np.concatenate([part[0] for part in found])
        approximate = np.concatenate([part[1] for part in found])
        best = np.argsort(-approximate, kind="stable")[:k]
        floor = float(approximate[best[-1]]) + self._rounding if k < count else -np.inf
        return Nearest(positions[best], floor)

    def close(self) -> None:
        self._pool.shutdown()

    def _everywhere(self, work: Callable[[int], T]) -> list[T]:
        places = range(len(self._shards))
        if len(self._shards) == 1 or len(self) < _SERIAL_ROWS:
            return [work(place) for place in places]
        return list(self._pool.map(work, places))

    def _search_shard(
        self, place: int, query: NDArray[np.float32], k: int, allowed: Mask | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        shard, step = self._shards[place], len(self._shards)
        if shard.ntotal == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        # OpenMP keeps this per thread. More than one has nothing to do for one query, and waiting
        # for it on a busy machine took 60 ms of what is else under 1 ms.
        faiss.omp_set_num_threads(1)
        options = None
        if allowed is not None:
            # FAISS keeps a pointer into `bits`: it has to live until the search is over.
            bits = np.packbits(allowed[place::step], bitorder="little")
            options = _only(bits)
        inner, labels = shard.search(query[None], min(k, shard.ntotal), params=options)
        real = labels[0] >= 0
        return labels[0][real] * step + place, inner[0][real]

    def _stored(self, place: int) -> NDArray[np.float16]:
        """A shard's vectors in place; no longer valid once something is added."""
        shard = self._shards[place]
        codes = faiss.rev_swig_ptr(shard.codes.data(), shard.ntotal * shard.code_size)
        stored: NDArray[np.float16] = codes.view("<f2").reshape(shard.ntotal, self._width)
        return stored


class GpuIndex(Protocol):
    """What is used of a FAISS GPU index. It ignores selectors, and no two threads may use it."""

    def add(self, vectors: NDArray[np.float32]) -> None: ...

    def search(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]: ...

    def reset(self) -> None: ...


class GpuVectors:
    """A copy on the GPU that answers wide searches; the vectors on the CPU answer the rest.

    A filter is enforced here: the GPU is asked for more than is wanted and what is not allowed is
    dropped. Where that would take more results than a GPU index can give, the CPU scans instead.
    """

    device = "cuda:0"
    # The query is rounded to float16 there: at most 2^-11 of a unit vector's length, plus sums.
    _rounding = 2e-3

    def __init__(self, cpu: CpuVectors, make: Callable[[], GpuIndex]) -> None:
        self._cpu = cpu
        self._owner = ThreadPoolExecutor(1, thread_name_prefix="gpu-index")
        self._index = self._run(make)

    def __len__(self) -> int:
        return len(self._cpu)

    def add(self, vectors: NDArray[np.float16]) -> None:
        self._cpu.add(vectors)
        self._run(lambda: self._index.add(vectors.astype(np.float32)))

    def blank(self, position: int) -> None:
        # A GPU index cannot change a vector in place; `keep` drops it there.
        self._cpu.blank(position)

    def replace(self, positions: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        self._cpu.replace(positions, vectors)
        self._run(self._copy_again)

    def keep(self, positions: NDArray[np.int64]) -> None:
        self._cpu.keep(positions)
        self._run(self._copy_again)

    def read(self, positions: NDArray[np.int64]) -> NDArray[np.float16]:
        return self._cpu.read(positions)

    def nearest(self, query: NDArray[np.float32], k: int, allowed: Mask | None) -> Nearest:
        total = len(self)
        count = total if allowed is None else int(np.count_nonzero(allowed))
        # A quarter more than the share of allowed rows makes likely.
        fetch = min(total, k if count == total else k * total * 5 // (max(count, 1) * 4) + k)
        if count == 0 or fetch > _GPU_MOST_RESULTS:
            return self._cpu.nearest(query, k, allowed)
        approximate, labels = self._run(lambda: self._index.search(query[None], fetch))
        positions = labels[0][labels[0] >= 0]
        floor = -np.inf if fetch == total else float(approximate[0, -1]) + self._rounding
        return Nearest(positions if allowed is None else positions[allowed[positions]], floor)

    def close(self) -> None:
        self._owner.shutdown()
        self._cpu.close()

    def _copy_again(self) -> None:
        self._index.reset()
        for start in range(0, len(self._cpu), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(self._cpu)))
            self._index.add(self._cpu.read(rows).astype(np.float32))

    def _run(self, work: Callable[[], T]) -> T:
        """On the one thread that may touch the GPU index."""
        try:
            return self._owner.submit(work).result()
        except RuntimeError as error:  # what FAISS raises for any failure of CUDA
            raise DeviceLost(f"the GPU index failed: {error}") from error


def open_vectors(
    width: int,
    device: Literal["auto", "cpu", "cuda"],
    threads: int,
    make_gpu: Callable[[], GpuIndex] | None = None,
) -> Vectors:
    """Empty vectors on the device asked for; `auto` takes a GPU where FAISS sees one.

    `threads` 0 takes every core. `make_gpu` replaces FAISS's own GPU index.
    Raises `DeviceUnavailable`: a GPU that was asked for is never replaced by the CPU.
    """
    cpu = CpuVectors(width, thread_budget(threads).search)
    if device == "cpu" or (device == "auto" and make_gpu is None and not gpu_is_there()):
        return cpu
    if make_gpu is None and not gpu_is_there():
        raise DeviceUnavailable("FAISS finds no GPU here; install the gpu extra or use the CPU")
    return GpuVectors(cpu, make_gpu or (lambda: _GpuFlat(width)))


def gpu_is_there() -> bool:
    """Whether this FAISS was built for GPUs and sees one."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


class _GpuFlat:
    """FAISS's flat float16 GPU index with the resources it needs for as long as it lives."""

    def __init__(self, width: int) -> None:
        self._resources = faiss.StandardGpuResources()
        options = faiss.GpuIndexFlatConfig()
        options.useFloat16 = True
        self._index = faiss.GpuIndexFlatIP(self._resources, width, options)

    def add(self, vectors: NDArray[np.float32]) -> None:
        self._index.add(vectors)

    def search(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        inner, labels = self._index.search(queries, k)
        return inner, labels

    def reset(self) -> None:
        self._index.reset()


def _flat(width: int) -> Any:
    return faiss.IndexScalarQuantizer(
        width, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )


def _only(bits: NDArray[np.uint8]) -> Any:
    # FAISS's stubs describe the C++ constructors, not what its Python layer makes of them.
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[arg-type, call-arg]
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]


def _spread(shards: Sequence[Any], start: int, vectors: NDArray[np.float16]) -> None:
    """Deal vectors out so that position start + i lands in shard (start + i) % T."""
    for place, shard in enumerate(shards):
        mine = vectors[(place - start) % len(shards) :: len(shards)]
        if len(mine):
            # The codes of QT_fp16 are the little-endian float16 bytes as they are.
            shard.add_sa_codes(np.ascontiguousarray(mine, dtype="<f2").view(np.uint8))
