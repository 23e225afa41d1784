"""What a fixed camera sees of an empty scene: rendered once, then cut out behind every person.

Coordinates: world metres, y up. A pose vector [15] holds position, right, up, forward (3 each),
focal length in pixels, and the image centre.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from model.synthetic.light import Light
from model.synthetic.noise import value_noise
from model.synthetic.scene import HALF, Scene

Floats = NDArray[np.float32]
Arrays = tuple[NDArray[Any], ...]
FAR = 1e6
SUN_MAP = 640
"""Cells per side of the static shadow map."""
SUN_EXTENT = 21.0
"""Half of the square that the map covers, metres."""


@dataclass(frozen=True)
class SunMap:
    """Depth of the static scene along the sun's direction."""

    frame: Floats
    """[10] two axes across the sun's direction, the direction, half extent"""
    depth: Floats
    """[S, S]"""


@dataclass(frozen=True)
class View:
    """H, W pixels of one camera in one light."""

    colour: NDArray[np.float16]
    """[H, W, 3] linear"""
    depth: NDArray[np.float16]
    """[H, W] metres along the view axis"""
    ambient: NDArray[np.float16]
    """[H, W] share of the light that is no direct sun"""


@njit(cache=True, fastmath=True)
def _texel(pages: Arrays, page: int, u: float, v: float, level: int, out: Floats) -> None:
    """The page's colour at (u, v), repeating; `out` [4] in 0 .. 255."""
    level = min(max(level, 0), 4)
    size = 512 >> level
    x = math.floor((u - math.floor(u)) * size) & (size - 1)
    y = math.floor((v - math.floor(v)) * size) & (size - 1)
    texture = pages[level]
    for c in range(4):
        out[c] = texture[page, y, x, c]


@njit(cache=True, fastmath=True)
def _hit_box(o: Floats, d: Floats, box: Floats) -> tuple[float, int]:
    """Distance to a box along d (-1: none) and the axis of the face that is hit."""
    c, s = box[6], box[7]
    px, py, pz = o[0] - box[0], o[1] - box[1], o[2] - box[2]
    ox, oz = c * px - s * pz, s * px + c * pz
    dx, dz = c * d[0] - s * d[2], s * d[0] + c * d[2]
    near, far, face = -1e9, 1e9, 0
    for k in range(3):
        p = ox if k == 0 else (py if k == 1 else oz)
        q = dx if k == 0 else (d[1] if k == 1 else dz)
        h = box[3 + k]
        if abs(q) < 1e-9:
            if abs(p) > h:
                return -1.0, 0
            continue
        t1, t2 = (-h - p) / q, (h - p) / q
        if t1 > t2:
            t1, t2 = t2, t1
        if t1 > near:
            near, face = t1, k
        far = min(far, t2)
    if near > far or near < 0.05:
        return -1.0, 0
    return near, face


@njit(cache=True, fastmath=True)
def _hit_card(
    o: Floats, d: Floats, card: Floats, page: int, pages: Arrays, texel: Floats
) -> tuple[float, float, float]:
    """Distance (-1: none), u and v on a card, whose transparent parts let the ray through."""
    nx, nz = card[6], card[5]
    across = d[0] * nx + d[2] * nz
    if abs(across) < 1e-6:
        return -1.0, 0.0, 0.0
    t = ((card[0] - o[0]) * nx + (card[2] - o[2]) * nz) / across
    if t < 0.05:
        return -1.0, 0.0, 0.0
    along = (o[0] + d[0] * t - card[0]) * card[5] - (o[2] + d[2] * t - card[2]) * card[6]
    v = 1 - (o[1] + d[1] * t - card[1]) / card[4]
    if abs(along) > card[3] or v < 0 or v > 1:
        return -1.0, 0.0, 0.0
    u = min(0.5 + 0.5 * along / card[3], 0.9999)
    _texel(pages, page, u, min(v, 0.9999), 1, texel)
    if texel[3] < 128:
        return -1.0, 0.0, 0.0
    return t, u, v


@njit(cache=True, fastmath=True)
def _trace(
    o: Floats,
    d: Floats,
    boxes: Floats,
    cards: Floats,
    card_pages: NDArray[np.int32],
    pages: Arrays,
    texel: Floats,
    hit: Floats,
) -> None:
    """Nearest thing along d: `hit` [5] = distance, kind (0 sky 1 ground 2 box 3 card), index, a, b.

    For a box a is the face's axis; for a card a and b are u and v.
    """
    best = FAR
    hit[1] = 0
    if d[1] < -1e-5:
        t = -o[1] / d[1]
        if 0 < t < 150:
            best = t
            hit[1] = 1
    for i in range(boxes.shape[0]):
        t, face = _hit_box(o, d, boxes[i])
        if 0 < t < best:
            best = t
            hit[1], hit[2], hit[3] = 2, i, face
    for i in range(cards.shape[0]):
        # A cheap bound first: most rays miss most cards.
        t, u, v = _hit_card(o, d, cards[i], card_pages[i], pages, texel)
        if 0 < t < best:
            best = t
            hit[1], hit[2], hit[3], hit[4] = 3, i, u, v
    hit[0] = best


@njit(cache=True, fastmath=True)
def _ground_page(x: float, z: float, ground: Floats) -> tuple[int, float]:
    """Which page lies at (x, z), and how near its border is (0 on it)."""
    side = x * math.cos(ground[4]) + z * math.sin(ground[4]) - ground[5]
    return (0 if side < 0 else 1), abs(side)


@njit(cache=True, fastmath=True)
def _albedo(
    p: Floats,
    hit: Floats,
    spread: float,
    boxes: Floats,
    box_pages: NDArray[np.int32],
    box_tiles: Floats,
    card_pages: NDArray[np.int32],
    tints: Floats,
    pages: Arrays,
    ground: Floats,
    normal: Floats,
    texel: Floats,
) -> None:
    """Linear albedo into `texel` and the surface's normal; `spread` is a pixel's width (m)."""
    kind, i = int(hit[1]), int(hit[2])
    normal[0], normal[1], normal[2] = 0.0, 1.0, 0.0
    tint = -1
    if kind == 1:
        which, border = _ground_page(p[0], p[2], ground)
        tile = ground[2 + which]
        level = int(max(0.0, math.log2(spread / tile * 512 + 1e-6) + 0.5))
        _texel(pages, int(ground[which]), p[0] / tile, p[2] / tile, level, texel)
        if border < 0.09:
            for c in range(3):
                texel[c] = 150 if border > 0.02 else 90
    elif kind == 2:
        box = boxes[i]
        c, s = box[6], box[7]
        x = c * (p[0] - box[0]) - s * (p[2] - box[2])
        z = s * (p[0] - box[0]) + c * (p[2] - box[2])
        face = int(hit[3])
        if face == 1:
            u, v, w, h = x, z, box[3], box[5]
            normal[1] = 1.0 if p[1] > box[1] else -1.0
        else:
            u = z if face == 0 else x
            w = box[5] if face == 0 else box[3]
            v, h = box[1] - p[1], box[4]
            outward = 1.0 if (x if face == 0 else z) > 0 else -1.0
            normal[0] = outward * (c if face == 0 else s)
            normal[2] = outward * (-s if face == 0 else c)
            normal[1] = 0.0
        tile = box_tiles[i] if face != 1 else 2.0
        size = tile
        if tile > 0:
            bottom = box[1] - box[4]
            u, v = u / tile, (bottom - p[1]) / tile if face != 1 else v / tile
        else:
            size = 2 * w
            u, v = 0.5 + 0.5 * u / w * 0.999, 0.5 + 0.5 * v / h * 0.999
        level = int(max(0.0, math.log2(spread / size * 512 + 1e-6) + 0.5))
        _texel(pages, box_pages[i, 1 if face == 1 else 0], u, v, level, texel)
        tint = i
    else:
        level = int(max(0.0, math.log2(spread / 2.0 * 512 + 1e-6)))
        _texel(pages, card_pages[i], hit[3], hit[4], min(level, 2), texel)
        normal[0], normal[1], normal[2] = 0.0, 0.8, 0.0
        tint = boxes.shape[0] + i
    for c in range(3):
        value = texel[c] / 255.0
        if tint >= 0:
            value *= tints[tint, c]
        texel[c] = value * value


@njit(cache=True, fastmath=True)
def sunlit(x: float, y: float, z: float, frame: Floats, depth: Floats, bias: float) -> float:
    """Share of the sun that reaches a point past the static scene, 0 .. 1."""
    size = depth.shape[0]
    scale = size / (2 * frame[9])
    u = (x * frame[0] + y * frame[1] + z * frame[2]) * scale + size / 2 - 0.5
    v = (x * frame[3] + y * frame[4] + z * frame[5]) * scale + size / 2 - 0.5
    along = x * frame[6] + y * frame[7] + z * frame[8]
    i, j = math.floor(u), math.floor(v)
    if i < 0 or j < 0 or i >= size - 1 or j >= size - 1:
        return 1.0
    fu, fv = u - i, v - j
    lit = 0.0
    for b in range(2):
        for a in range(2):
            if depth[j + b, i + a] <= along + bias:
                lit += (fu if a else 1 - fu) * (fv if b else 1 - fv)
    return lit


@njit(cache=True, fastmath=True)
def _cast_sun(
    frame: Floats,
    boxes: Floats,
    cards: Floats,
    card_pages: NDArray[np.int32],
    pages: Arrays,
    depth: Floats,
    scratch: Floats,
) -> None:
    size = depth.shape[0]
    o, d, hit, texel = scratch[0], scratch[1], scratch[2], scratch[3]
    for c in range(3):
        d[c] = -frame[6 + c]
    for j in range(size):
        for i in range(size):
            a = ((i + 0.5) / size * 2 - 1) * frame[9]
            b = ((j + 0.5) / size * 2 - 1) * frame[9]
            for c in range(3):
                o[c] = frame[c] * a + frame[3 + c] * b + frame[6 + c] * 60.0
            _trace(o, d, boxes, cards, card_pages, pages, texel, hit)
            depth[j, i] = 60.0 - hit[0]


@njit(cache=True, fastmath=True)
def _cast_view(
    pose: Floats,
    boxes: Floats,
    box_pages: NDArray[np.int32],
    box_tiles: Floats,
    cards: Floats,
    card_pages: NDArray[np.int32],
    tints: Floats,
    pages: Arrays,
    ground: Floats,
    light: Floats,
    backdrop: Floats,
    frame: Floats,
    sun_depth: Floats,
    seed: int,
    scratch: Floats,
    colour: Floats,
    depth: Floats,
    ambient: Floats,
) -> None:
    height, width = depth.shape
    o, d, hit, texel, p, n = (
        scratch[0],
        scratch[1],
        scratch[2],
        scratch[3],
        scratch[4],
        scratch[5],
    )
    for y in range(height):
        for x in range(width):
            rx, ry = (x + 0.5 - pose[13]) / pose[12], -(y + 0.5 - pose[14]) / pose[12]
            for c in range(3):
                d[c] = pose[3 + c] * rx + pose[6 + c] * ry + pose[9 + c]
                o[c] = pose[c]
            _trace(o, d, boxes, cards, card_pages, pages, texel, hit)
            ambient[y, x] = 1.0
            if hit[1] == 0:
                fade = max(0.0, min(1.0, d[1] * 3))
                for c in range(3):
                    colour[y, x, c] = backdrop[c] * (1 - 0.3 * fade)
                depth[y, x] = 6e4
                continue
            t = hit[0]
            depth[y, x] = t
            for c in range(3):
                p[c] = o[c] + d[c] * t
            _albedo(
                p, hit, t / pose[12], boxes, box_pages, box_tiles, card_pages, tints, pages, ground,
                n, texel,
            )  # fmt: skip
            facing = n[0] * light[0] + n[1] * light[1] + n[2] * light[2]
            lit = 0.0
            if facing > 0 and light[3] > 0.03:
                lit = facing * sunlit(p[0], p[1], p[2], frame, sun_depth, 0.06)
            up = 0.5 + 0.5 * n[1]
            # Corners between walls and ground are darker.
            corner = 1.0 if hit[1] != 2 else 0.65 + 0.35 * min(1.0, p[1] / 0.5)
            dirt = 0.9 + 0.2 * value_noise(p[0] * 0.7 + p[1], p[2] * 0.7, seed)
            lamp = light[12] * 30.0 / (30.0 + t * t)
            haze = 1 - math.exp(-t * 0.004)
            share = 0.0
            for c in range(3):
                soft = (light[6 + c] * up + light[9 + c] * (1 - up)) * corner + lamp
                hard = light[3 + c] * lit
                share += soft / (soft + hard + 1e-6) / 3
                value = texel[c] * dirt * (soft + hard)
                colour[y, x, c] = value * (1 - haze) + backdrop[c] * 0.8 * haze
            if hit[1] == 1:
                ambient[y, x] = share


def _scratch() -> Floats:
    return np.zeros((6, 8), np.float32)


def sun_frame(direction: Floats) -> Floats:
    """Axes across and along the sun's direction, and the extent of the map [10]."""
    right = np.array([direction[2], 0.0, -direction[0]])
    right /= np.linalg.norm(right) + 1e-9
    up = np.cross(direction, right)
    return np.concatenate([right, up, direction, [SUN_EXTENT]]).astype(np.float32)


def cast_sun(scene: Scene, light: Light) -> SunMap:
    frame = sun_frame(light.direction)
    if not light.casts_shadows:
        return SunMap(frame, np.full((2, 2), -FAR, np.float32))
    depth = np.empty((SUN_MAP, SUN_MAP), np.float32)
    # Outdoor walls stand behind the people; only what is inside throws shadows on them.
    inside = np.hypot(scene.boxes[:, 0], scene.boxes[:, 2]) < HALF + 12
    _cast_sun(
        frame,
        np.ascontiguousarray(scene.boxes[inside]),
        scene.cards,
        scene.card_pages,
        scene.pages,
        depth,
        _scratch(),
    )
    return SunMap(frame, depth)


def cast_view(scene: Scene, pose: Floats, light: Light, sun: SunMap, size: tuple[int, int]) -> View:
    """Render `size` (height, width) pixels of the empty scene."""
    height, width = size
    colour = np.empty((height, width, 3), np.float32)
    depth, ambient = np.empty(size, np.float32), np.empty(size, np.float32)
    _cast_view(
        pose, scene.boxes, scene.box_pages, scene.box_tiles, scene.cards, scene.card_pages,
        scene.tints, scene.pages, scene.ground, light.vector, light.backdrop, sun.frame, sun.depth,
        scene.seed, _scratch(), colour, depth, ambient,
    )  # fmt: skip
    return View(colour.astype(np.float16), depth.astype(np.float16), ambient.astype(np.float16))
