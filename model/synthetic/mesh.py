"""Skinned triangle meshes, built from lofts: rings of vertices around an axis."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.synthetic.pages import Page

Array = NDArray[Any]
Binding = Callable[[Array], tuple[ArrayLike, ArrayLike, ArrayLike]]
"""Points [n, 3] in the rest pose -> first bone, second bone, weight of the second bone."""


@dataclass(frozen=True)
class Mesh:
    """V vertices, T triangles; rest pose in metres, y up, facing +z."""

    positions: NDArray[np.float32]
    """[V, 3]"""
    uv: NDArray[np.float32]
    """[V, 2], u around the body (.5 is the front), v from top (0) to bottom (1)"""
    pages: NDArray[np.int32]
    """[V], the texture page"""
    bones: NDArray[np.int32]
    """[V, 2]"""
    weights: NDArray[np.float32]
    """[V], of the second bone"""
    twins: NDArray[np.int32]
    """[V], the vertex whose normal this one shares (itself, but for seams)"""
    triangles: NDArray[np.int32]
    """[T, 3]"""
    body_vertices: int
    """the first so many belong to the person, the others to what rolls along"""
    body_triangles: int


@dataclass(frozen=True)
class Rings:
    """M rings of an oval tube; every field broadcasts to [M]."""

    height: ArrayLike
    """position along the axis"""
    rx: ArrayLike
    rz: ArrayLike
    cx: ArrayLike = 0.0
    cz: ArrayLike = 0.0
    exponent: ArrayLike = 2.0
    """2 is an ellipse, larger is squarer"""


def rigid(bone: int) -> Binding:
    """Every point follows one bone."""
    return lambda points: (bone, bone, 0.0)


def smoothstep(x: Array, low: float, high: float) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


class MeshBuilder:
    """Collects lofts and boxes, then freezes them into one `Mesh`."""

    def __init__(self) -> None:
        self._chunks: list[tuple[Array, Array, Array, Array, Array, Array]] = []
        self._triangles: list[Array] = []
        self._count = 0
        self._body: tuple[int, int] | None = None

    def loft(
        self,
        rings: Rings,
        page: Page,
        binding: Binding,
        *,
        sides: int = 20,
        v: ArrayLike | None = None,
        bulge: Array | None = None,
        gap: ArrayLike = 0.0,
        cap: bool = True,
        axis: str = "y",
    ) -> None:
        """Add a tube.

        `v` [M] texture rows (default: evenly from the last ring, 0, to the first, 1); `bulge`
        [M, sides + 1] scales the radii; `gap` [M] leaves an opening of that half angle at the
        front; `axis` "z" lays the tube along z.
        """
        height = np.asarray(rings.height, float)
        m = len(height)
        theta = self._angles(np.broadcast_to(np.asarray(gap, float), (m,)), sides)
        points = self._ring_points(rings, height, theta, bulge)
        rows = np.linspace(1, 0, m) if v is None else np.asarray(v, float)
        uv = np.stack(np.broadcast_arrays(theta / (2 * np.pi) + 0.5, rows[:, None]), -1)
        closed = bool(np.all(np.asarray(gap) == 0))
        twins = np.arange(m * (sides + 1)).reshape(m, sides + 1)
        if closed:
            twins = twins.copy()
            twins[:, -1] = twins[:, 0]
        triangles = _strip(m, sides)
        flat, flat_uv = points.reshape(-1, 3), uv.reshape(-1, 2)
        twin = twins.reshape(-1)
        if cap and closed:
            flat, flat_uv, twin, lids = _lids(points, uv, twin, sides)
            triangles = np.concatenate([triangles, lids])
        if axis == "z":
            flat = flat[:, [0, 2, 1]]
        self._add(flat, flat_uv, page, binding, twin, triangles)

    def box(self, low: ArrayLike, high: ArrayLike, page: Page, binding: Binding) -> None:
        """An axis-aligned box in the rest pose; every face shows the whole page."""
        lo, hi = np.asarray(low, float), np.asarray(high, float)
        quads = []
        for axis in range(3):
            for side in (lo, hi):
                corners = []
                for a, b in ((0, 0), (1, 0), (0, 1), (1, 1)):
                    point = np.empty(3)
                    others = [k for k in range(3) if k != axis]
                    point[axis] = side[axis]
                    point[others[0]] = (lo, hi)[a][others[0]]
                    point[others[1]] = (lo, hi)[b][others[1]]
                    corners.append(point)
                quads.append(np.array(corners))
        points = np.concatenate(quads)
        span = np.maximum(hi - lo, 1e-6)
        relative = (points - lo) / span
        uv = np.stack([(relative[:, 0] + relative[:, 2]) / 2 % 1, 1 - relative[:, 1]], 1)
        triangles = np.concatenate(
            [np.array([(0, 1, 2), (1, 3, 2)]) + 4 * face for face in range(6)]
        )
        self._add(points, uv, page, binding, np.arange(24), triangles)

    def tube(self, path: Array, radius: float, page: Page, binding: Binding) -> None:
        """A thin round tube along a polyline `path` [M, 3]."""
        sides = 6
        theta = np.linspace(0, 2 * np.pi, sides + 1)
        along = np.gradient(path, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
        aside = np.cross(along, np.where(np.abs(along[:, :1]) > 0.9, [[0, 1.0, 0]], [[1.0, 0, 0]]))
        aside /= np.linalg.norm(aside, axis=1, keepdims=True) + 1e-9
        third = np.cross(along, aside)
        ring = (
            np.cos(theta)[None, :, None] * aside[:, None]
            + np.sin(theta)[None, :, None] * third[:, None]
        )
        points = (path[:, None] + radius * ring).reshape(-1, 3)
        rows = np.linspace(0, 1, len(path))
        uv = np.stack(np.broadcast_arrays(theta[None] / (2 * np.pi), rows[:, None]), -1)
        self._add(
            points,
            uv.reshape(-1, 2),
            page,
            binding,
            np.arange(len(points)),
            _strip(len(path), sides),
        )

    def end_of_body(self) -> None:
        """What is added from here on is no part of the person."""
        self._body = self._count, sum(len(part) for part in self._triangles)

    def freeze(self) -> Mesh:
        if self._body is None:
            self.end_of_body()
        assert self._body is not None
        columns = [np.concatenate(column) for column in zip(*self._chunks, strict=True)]
        positions, uv, pages, bones, weights, twins = columns
        return Mesh(
            positions.astype(np.float32),
            uv.astype(np.float32),
            pages.astype(np.int32),
            bones.astype(np.int32),
            weights.astype(np.float32),
            twins.astype(np.int32),
            np.concatenate(self._triangles).astype(np.int32),
            *self._body,
        )

    @staticmethod
    def _angles(gap: Array, sides: int) -> Array:
        start = np.where(gap > 0, gap, -np.pi)[:, None]
        stop = np.where(gap > 0, 2 * np.pi - gap, np.pi)[:, None]
        return np.asarray(start + (stop - start) * np.linspace(0, 1, sides + 1)[None])

    @staticmethod
    def _ring_points(rings: Rings, height: Array, theta: Array, bulge: Array | None) -> Array:
        m = len(height)
        rx, rz, cx, cz, exponent = (
            np.broadcast_to(np.asarray(field, float), (m,))[:, None]
            for field in (rings.rx, rings.rz, rings.cx, rings.cz, rings.exponent)
        )
        sine, cosine = np.sin(theta), np.cos(theta)
        x = np.sign(sine) * np.abs(sine) ** (2 / exponent) * rx
        z = np.sign(cosine) * np.abs(cosine) ** (2 / exponent) * rz
        if bulge is not None:
            x, z = x * bulge, z * bulge
        return np.stack([cx + x, np.broadcast_to(height[:, None], x.shape), cz + z], -1)

    def _add(
        self, points: Array, uv: Array, page: Page, binding: Binding, twins: Array, tris: Array
    ) -> None:
        n = len(points)
        first, second, weight = binding(points)
        bones = np.stack([np.broadcast_to(first, n), np.broadcast_to(second, n)], 1)
        self._chunks.append(
            (
                points,
                uv,
                np.full(n, int(page)),
                bones,
                np.broadcast_to(np.asarray(weight, float), n),
                twins + self._count,
            )
        )
        self._triangles.append(tris + self._count)
        self._count += n


def _strip(rings: int, sides: int) -> Array:
    corner = (np.arange(rings - 1)[:, None] * (sides + 1) + np.arange(sides)[None]).reshape(-1)
    above = corner + sides + 1
    first = np.stack([corner, corner + 1, above], 1)
    second = np.stack([corner + 1, above + 1, above], 1)
    return np.stack([first, second], 1).reshape(-1, 3)


def _lids(points: Array, uv: Array, twins: Array, sides: int) -> tuple[Array, Array, Array, Array]:
    flat, flat_uv = points.reshape(-1, 3), uv.reshape(-1, 2)
    triangles = []
    for row, reverse in ((0, True), (len(points) - 1, False)):
        centre = len(flat)
        flat = np.vstack([flat, points[row, :-1].mean(0)])
        flat_uv = np.vstack([flat_uv, [0.5, uv[row, 0, 1]]])
        twins = np.append(twins, centre)
        ring = row * (sides + 1) + np.arange(sides)
        fan = np.stack([ring, ring + 1, np.full(sides, centre)], 1)
        triangles.append(fan[:, [1, 0, 2]] if reverse else fan)
    return flat, flat_uv, twins, np.concatenate(triangles)
