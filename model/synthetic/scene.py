"""Places: what stands where in one environment, as boxes, cut-out cards and a ground."""

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from model.synthetic.seeding import chance, pick
from model.synthetic.surfaces import Surface, paint_surface

Floats = NDArray[np.float32]
Rng = np.random.Generator
HALF = 14.0
"""Half side of the square that people walk in, metres."""


class Prop(IntEnum):
    POST = 0
    TREE = 1
    BENCH = 2
    CAR = 3
    RAILING = 4
    KIOSK = 5
    BICYCLES = 6
    BUSH = 7
    SIGN = 8
    PILLAR = 9
    BOLLARDS = 10
    STALL = 11
    CRATES = 12
    SCOOTER = 13
    FENCE = 14
    VAN = 15


@dataclass(frozen=True)
class SceneStyle:
    """How the places of one kind of world are built."""

    grounds: dict[int, float]
    indoor_grounds: dict[int, float]
    walls: dict[int, float]
    props: dict[int, float]
    indoor_props: dict[int, float]
    indoor_rate: float
    props_low: int
    props_high: int
    wall_low: float
    wall_high: float


@dataclass(frozen=True)
class Scene:
    """Arrays for the ray caster; N boxes, M cards, K pages."""

    boxes: Floats
    """[N, 8] centre, half sizes, cos and sin of the yaw"""
    box_pages: NDArray[np.int32]
    """[N, 2] page of the sides, of the top"""
    box_tiles: Floats
    """[N] metres per repeat, 0 to stretch the page over each face"""
    cards: Floats
    """[M, 7] x, bottom, z, half width, height, cos, sin"""
    card_pages: NDArray[np.int32]
    tints: Floats
    """[N + M, 3] factors on the pages' colours"""
    pages: tuple[NDArray[np.uint8], ...]
    """mip levels [K, 512, 512, 4], [K, 256, ...] ..."""
    ground: Floats
    """two pages, metres per repeat of each, angle and offset of the border between them"""
    indoor: bool
    obstacles: Floats
    """[O, 3] x, z, radius: where nobody walks"""
    seed: int


class SceneBuilder:
    """Collects primitives; pages are painted once per surface and variant."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self._pages: list[NDArray[np.uint8]] = []
        self._known: dict[tuple[Surface, int], int] = {}
        self._boxes: list[list[float]] = []
        self._box_pages: list[tuple[int, int]] = []
        self._tiles: list[float] = []
        self._cards: list[list[float]] = []
        self._card_pages: list[int] = []
        self._box_tints: list[NDArray[np.float64]] = []
        self._card_tints: list[NDArray[np.float64]] = []
        self.obstacles: list[tuple[float, float, float]] = []

    def page(self, surface: Surface, variants: int = 1) -> int:
        key = (surface, int(self.rng.integers(variants)))
        if key not in self._known:
            self._known[key] = len(self._pages)
            self._pages.append(paint_surface(surface, self.rng))
        return self._known[key]

    def box(
        self,
        at: tuple[float, float, float],
        size: tuple[float, float, float],
        page: int,
        *,
        yaw: float = 0.0,
        top: int | None = None,
        tile: float = 0.0,
        tint: float = 0.08,
    ) -> None:
        """A box on `at` (x, bottom, z) of `size` (width, height, depth)."""
        x, y, z = at
        w, h, d = size
        self._boxes.append([x, y + h / 2, z, w / 2, h / 2, d / 2, math.cos(yaw), math.sin(yaw)])
        self._box_pages.append((page, page if top is None else top))
        self._tiles.append(tile)
        self._box_tints.append(self._tint(tint))

    def card(
        self, at: tuple[float, float, float], size: tuple[float, float], page: int, yaw: float
    ) -> None:
        x, y, z = at
        self._cards.append([x, y, z, size[0] / 2, size[1], math.cos(yaw), math.sin(yaw)])
        self._card_pages.append(page)
        self._card_tints.append(self._tint(0.1))

    def _tint(self, spread: float) -> NDArray[np.float64]:
        return np.exp(self.rng.normal(0, spread) + self.rng.normal(0, 0.03, 3))

    def freeze(self, ground: list[float], indoor: bool) -> Scene:
        tints = [*self._box_tints, *self._card_tints]
        return Scene(
            np.array(self._boxes, np.float32).reshape(-1, 8),
            np.array(self._box_pages, np.int32).reshape(-1, 2),
            np.array(self._tiles, np.float32),
            np.array(self._cards, np.float32).reshape(-1, 7),
            np.array(self._card_pages, np.int32),
            np.array(tints, np.float32).reshape(-1, 3),
            _mip_levels(np.stack(self._pages)),
            np.array(ground, np.float32),
            indoor,
            np.array(self.obstacles, np.float32).reshape(-1, 3),
            int(self.rng.integers(1 << 15)),
        )


def _mip_levels(pages: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    levels = [np.ascontiguousarray(pages)]
    for _ in range(4):
        fine = levels[-1].astype(np.uint16)
        total = fine[:, ::2, ::2] + fine[:, 1::2, ::2] + fine[:, ::2, 1::2] + fine[:, 1::2, 1::2]
        levels.append((total // 4).astype(np.uint8))
    return tuple(levels)


def build_scene(rng: Rng, style: SceneStyle) -> Scene:
    """One environment: walls around, props inside, two grounds."""
    builder = SceneBuilder(rng)
    indoor = chance(rng, style.indoor_rate)
    grounds = style.indoor_grounds if indoor else style.grounds
    first = builder.page(Surface(pick(rng, grounds)))
    second = builder.page(Surface(pick(rng, grounds)))
    _walls(builder, style, indoor)
    props = style.indoor_props if indoor else style.props
    count = int(rng.integers(style.props_low, style.props_high))
    for _ in range(count):
        x, z = rng.uniform(-11, 11, 2)
        add_prop(builder, Prop(pick(rng, props)), float(x), float(z))
    border = [float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(-3, 7))]
    tiles = [float(rng.uniform(5, 9)), float(rng.uniform(5, 9))]
    return builder.freeze([first, second, *tiles, *border], indoor)


def _walls(builder: SceneBuilder, style: SceneStyle, indoor: bool) -> None:
    rng = builder.rng
    plain = builder.page(Surface.PAINTED)
    for side in range(4):
        yaw = side * math.pi / 2
        distance = HALF + rng.uniform(style.wall_low, style.wall_high)
        along = -22.0
        while along < 22:
            width = float(rng.uniform(6, 16))
            height = 4.5 if indoor else float(rng.uniform(4, 20))
            deep = distance + rng.uniform(0, 1.5)
            middle = along + width / 2
            x = math.sin(yaw) * deep + math.cos(yaw) * middle
            z = math.cos(yaw) * deep - math.sin(yaw) * middle
            page = builder.page(Surface(pick(rng, style.walls)), 2)
            builder.box((x, 0, z), (width, height, 2.0), page, yaw=yaw, top=plain, tile=4.0)
            along += width + (0 if indoor else float(rng.choice([0, 0, 0.5, 2.5])))


def add_prop(builder: SceneBuilder, prop: Prop, x: float, z: float) -> None:
    """One thing that people walk around or behind."""
    rng = builder.rng
    yaw = float(rng.choice([0, math.pi / 2])) + float(rng.normal(0, 0.25))
    if prop == Prop.TREE:
        radius = _tree(builder, x, z)
    elif prop == Prop.BUSH:
        radius = _foliage(builder, x, 0.05, z, float(rng.uniform(0.6, 1.1)))
    elif prop in (Prop.BENCH, Prop.CRATES):
        radius = _low_prop(builder, prop, x, z, yaw)
    elif prop in (Prop.CAR, Prop.VAN):
        radius = _vehicle(builder, prop, x, z, yaw)
    elif prop in (Prop.RAILING, Prop.FENCE, Prop.BICYCLES, Prop.SCOOTER):
        radius = _row_of_cards(builder, prop, x, z, yaw)
    elif prop in (Prop.KIOSK, Prop.STALL):
        radius = _counter(builder, prop, x, z, yaw)
    else:
        radius = _upright(builder, prop, x, z, yaw)
    builder.obstacles.append((x, z, radius))


def _row_of_cards(builder: SceneBuilder, prop: Prop, x: float, z: float, yaw: float) -> float:
    """A barrier end to end, or parked bicycles side by side."""
    rng = builder.rng
    if prop in (Prop.RAILING, Prop.FENCE):
        surface = Surface.RAILING if prop == Prop.RAILING else Surface.MESH_FENCE
        size = (1.6, 1.05 if prop == Prop.RAILING else 1.8)
        for k in range(int(rng.integers(1, 4))):
            at = (x + 1.6 * k * math.cos(yaw), 0.05, z - 1.6 * k * math.sin(yaw))
            builder.card(at, size, builder.page(surface, 2), yaw)
        return 0.4
    surface = Surface.BICYCLES if prop == Prop.BICYCLES else Surface.SCOOTER
    for k in range(int(rng.integers(1, 5))):
        at = (x + 0.5 * k * math.sin(yaw), 0.0, z + 0.5 * k * math.cos(yaw))
        lean = yaw + float(rng.normal(0, 0.1))
        builder.card(at, (1.9, 1.25), builder.page(surface, 3), lean)
    return 0.9


def _counter(builder: SceneBuilder, prop: Prop, x: float, z: float, yaw: float) -> float:
    rng = builder.rng
    page = builder.page(Surface.SHOPS if prop == Prop.KIOSK else Surface.STALLS, 2)
    width, height = float(rng.uniform(1.2, 2.4)), float(rng.uniform(1.2, 2.4))
    top = builder.page(Surface.PAINTED, 3)
    builder.box((x, 0, z), (width, height, 0.9), page, yaw=yaw, top=top)
    return 0.8


def _upright(builder: SceneBuilder, prop: Prop, x: float, z: float, yaw: float) -> float:
    """Posts, signs, pillars and bollards."""
    rng = builder.rng
    painted = builder.page(Surface.PAINTED, 3)
    if prop == Prop.POST:
        builder.box((x, 0, z), (0.15, float(rng.uniform(3, 5)), 0.15), painted)
        if chance(rng, 0.5):
            builder.card((x, 2.1, z), (0.7, 0.7), builder.page(Surface.SIGN, 3), yaw)
    elif prop == Prop.SIGN:
        builder.box((x, 0.4, z), (1.2, 1.6, 0.08), builder.page(Surface.SIGN, 3), yaw=yaw)
    elif prop == Prop.PILLAR:
        side = float(rng.uniform(0.4, 0.9))
        posters = builder.page(Surface.POSTERS)
        builder.box((x, 0, z), (side, 4.5, side), posters, top=painted, tile=3)
    else:
        for k in range(3):
            at = (x + 1.3 * k * math.cos(yaw), 0.0, z - 1.3 * k * math.sin(yaw))
            builder.box(at, (0.16, 0.9, 0.16), painted)
    return 0.4


def _low_prop(builder: SceneBuilder, prop: Prop, x: float, z: float, yaw: float) -> float:
    rng = builder.rng
    if prop == Prop.CRATES:
        page = builder.page(Surface.CRATES)
        for k in range(int(rng.integers(1, 4))):
            at = (x + 0.5 * k, 0.0, z + float(rng.normal(0, 0.2)))
            builder.box(at, (0.6, float(rng.uniform(0.4, 1.3)), 0.6), page, yaw=yaw)
        return 0.7
    wood = builder.page(Surface.WOOD)
    builder.box((x, 0.38, z), (1.7, 0.07, 0.5), wood, yaw=yaw)
    builder.box(
        (x - 0.22 * math.sin(yaw), 0.45, z - 0.22 * math.cos(yaw)), (1.7, 0.42, 0.05), wood, yaw=yaw
    )
    for leg in (-0.7, 0.7):
        at = (x + leg * math.cos(yaw), 0.0, z - leg * math.sin(yaw))
        builder.box(at, (0.08, 0.4, 0.45), wood, yaw=yaw)
    return 0.8


def _vehicle(builder: SceneBuilder, prop: Prop, x: float, z: float, yaw: float) -> float:
    rng = builder.rng
    side = builder.page(Surface.CAR_SIDE, 3)
    painted = builder.page(Surface.PAINTED, 3)
    if prop == Prop.VAN:
        builder.box((x, 0.3, z), (4.6, 1.9, 1.9), painted, yaw=yaw)
        for k in (-1.4, 1.4):
            at = (x + k * math.cos(yaw), 0.0, z - k * math.sin(yaw))
            builder.box(at, (0.7, 0.6, 1.95), builder.page(Surface.CAR_SIDE, 1), yaw=yaw, tint=1.0)
        return 2.0
    for offset in (-0.85, 0.85):
        at = (x + offset * math.sin(yaw), 0.02, z + offset * math.cos(yaw))
        builder.card(at, (4.3, 1.55), side, yaw)
    tone = float(rng.uniform(0.04, 0.1))
    builder.box((x, 0.25, z), (4.2, 0.55, 1.66), painted, yaw=yaw, tint=tone)
    builder.box((x - 0.1, 0.8, z), (2.0, 0.6, 1.5), painted, yaw=yaw, tint=tone)
    return 1.9


def _tree(builder: SceneBuilder, x: float, z: float) -> float:
    rng = builder.rng
    bark = builder.page(Surface.WOOD)
    builder.box((x, 0, z), (0.26, 3.2, 0.26), bark, yaw=float(rng.uniform(0, 1.5)))
    size = float(rng.uniform(1.2, 2.0))
    for _ in range(2):
        spread = rng.normal(0, 0.5, 2)
        height = float(rng.uniform(2.7, 3.6))
        _foliage(builder, x + float(spread[0]), height, z + float(spread[1]), size)
    return 0.4


def _foliage(builder: SceneBuilder, x: float, y: float, z: float, size: float) -> float:
    page = builder.page(Surface.LEAVES, 2)
    turn = float(builder.rng.uniform(0, 1))
    for k in range(3):
        yaw = turn + k * math.pi / 3
        builder.card((x, y, z), (2 * size, 1.7 * size), page, yaw)
    return size * 0.7
