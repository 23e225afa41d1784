"""Pictures of what stands in a scene: grounds, walls, and cut-outs such as leaves and bicycles.

All are uint8 RGBA [512, 512, 4] and repeat in both axes, but for the cut-outs.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.synthetic import cutouts
from model.synthetic.cutouts import SIZE
from model.synthetic.noise import band_noise

Rng = np.random.Generator
Picture = NDArray[np.uint8]
Canvas = NDArray[Any]
Tone = tuple[float, float, float]


class Surface(IntEnum):
    ASPHALT = 0
    SLABS = 1
    COBBLES = 2
    GRASS = 3
    TILES = 4
    HERRINGBONE = 5
    CONCRETE = 6
    GRAVEL = 7
    PLANKS = 8
    TACTILE = 9
    CARPET = 10
    BRICK = 20
    OFFICE = 21
    SHOPS = 22
    PANELS = 23
    GRAFFITI = 24
    GLASS = 25
    SHUTTERS = 26
    STALLS = 27
    POSTERS = 28
    WALL_TILES = 29
    LEAVES = 40
    BICYCLES = 41
    RAILING = 42
    CAR_SIDE = 43
    SIGN = 44
    WOOD = 45
    PAINTED = 46
    MESH_FENCE = 47
    SCOOTER = 48
    CRATES = 49


def paint_surface(surface: Surface, rng: Rng) -> Picture:
    page = _PAINTERS[surface](rng)
    if page.shape[2] == 3:
        alpha = np.full((SIZE, SIZE, 1), 255, np.uint8)
        page = np.concatenate([page, alpha], 2)
    return np.ascontiguousarray(page)


def _ground(rng: Rng, tone: Tone, *, coarse: float, fine: float) -> Canvas:
    """A stained, grainy base, float32."""
    stains = cv2.resize(band_noise(rng, 128, 3), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    grain = cv2.resize(band_noise(rng, 256, 50), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    base = np.array(tone, np.float32) * float(rng.uniform(0.85, 1.15))
    return np.asarray(base * (1 + coarse * stains + fine * grain)[..., None], np.float32)


def _finish(page: Canvas) -> Picture:
    return np.asarray(np.clip(page, 0, 255), np.uint8)


def _cells(rng: Rng, page: Canvas, rows: int, cols: int, spread: float, joint: float) -> None:
    """Brightness per cell and darker joints; every second row may be shifted by half a cell."""
    shift = rng.random() < 0.5
    h, w = SIZE / rows, SIZE / cols
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    row = (yy / h).astype(int)
    across = xx / w + 0.5 * (row % 2) * shift
    tones = rng.normal(1, spread, (rows, cols + 1, 1)) + rng.normal(
        0, spread / 3, (rows, cols + 1, 3)
    )
    page *= tones[row, across.astype(int) % cols]
    edge = ((yy % h) < max(1.5, 0.025 * h)) | ((across % 1) * w < max(1.5, 0.025 * w))
    page[edge] *= joint


def _asphalt(rng: Rng) -> Picture:
    page = _ground(rng, (92, 92, 95), coarse=0.06, fine=0.10)
    for _ in range(int(rng.integers(2, 6))):
        points = np.cumsum(rng.normal(0, 26, (9, 2)), 0) + rng.uniform(0, SIZE, 2)
        cv2.polylines(page, [points.astype(np.int32)], False, (56, 56, 58), 2, cv2.LINE_AA)
    if rng.random() < 0.6:
        cv2.rectangle(page, (40, 0), (52, 250), (196, 196, 190), -1)
    if rng.random() < 0.4:
        cv2.circle(page, (300, 300), 24, (60, 58, 56), -1, cv2.LINE_AA)
        cv2.circle(page, (300, 300), 20, (76, 74, 72), 3, cv2.LINE_AA)
    return _finish(page)


def _slabs(rng: Rng) -> Picture:
    tones = ((150, 146, 138), (126, 124, 122), (164, 150, 132), (120, 112, 104))
    page = _ground(rng, tones[int(rng.integers(4))], coarse=0.05, fine=0.05)
    n = int(rng.choice([10, 14, 20]))
    _cells(rng, page, n, int(n * rng.choice([0.5, 1, 1])), 0.06, 0.66)
    return _finish(_litter(rng, page))


def _litter(rng: Rng, page: Canvas) -> Canvas:
    """Fallen leaves, gum and paper."""
    for _ in range(int(rng.integers(0, 70))):
        at = tuple(int(v) for v in rng.integers(0, SIZE, 2))
        tone = [(96, 80, 46), (70, 66, 62), (190, 188, 180)][
            int(rng.choice(3, p=[0.5, 0.42, 0.08]))
        ]
        axes = (int(rng.integers(1, 5)), int(rng.integers(1, 3)))
        cv2.ellipse(page, at, axes, rng.uniform(0, 180), 0, 360, tone, -1, cv2.LINE_AA)
    return page


def _cobbles(rng: Rng) -> Picture:
    page = _ground(rng, (118, 112, 104), coarse=0.06, fine=0.06)
    _cells(rng, page, 48, 40, 0.12, 0.55)
    return _finish(_litter(rng, page))


def _grass(rng: Rng) -> Picture:
    page = _ground(rng, (92, 106, 58), coarse=0.14, fine=0.20)
    for _ in range(900):
        x, y = rng.integers(0, SIZE, 2)
        tone = np.array((92, 106, 58)) * rng.uniform(0.6, 1.4)
        tip = (int(x + rng.normal(0, 3)), int(y - rng.uniform(3, 9)))
        cv2.line(page, (int(x), int(y)), tip, tone.tolist(), 1, cv2.LINE_AA)
    return _finish(page)


def _tiles(rng: Rng) -> Picture:
    page = _ground(rng, (188, 180, 168), coarse=0.03, fine=0.02)
    n = int(rng.choice([6, 8, 12]))
    if rng.random() < 0.5:
        yy, xx = np.mgrid[0:SIZE, 0:SIZE]
        dark = ((yy * n // SIZE) + (xx * n // SIZE)) % 2 == 1
        page[dark] *= float(rng.uniform(0.8, 0.95))
    _cells(rng, page, n, n, 0.02, 0.75)
    return _finish(page)


def _herringbone(rng: Rng) -> Picture:
    page = _ground(rng, (150, 106, 84), coarse=0.05, fine=0.06)
    _cells(rng, page, 40, 20, 0.10, 0.62)
    return _finish(cv2.transpose(page) if rng.random() < 0.5 else page)


def _concrete(rng: Rng) -> Picture:
    page = _ground(rng, (148, 146, 140), coarse=0.08, fine=0.04)
    _cells(rng, page, 2, 2, 0.03, 0.6)
    for _ in range(5):
        at = tuple(int(v) for v in rng.integers(0, SIZE, 2))
        cv2.circle(page, at, int(rng.integers(6, 40)), (116, 114, 110), -1, cv2.LINE_AA)
    if rng.random() < 0.5:
        cv2.rectangle(page, (250, 0), (262, SIZE), (200, 178, 80), -1)
    return _finish(page)


def _gravel(rng: Rng) -> Picture:
    page = _ground(rng, (160, 150, 132), coarse=0.06, fine=0.22)
    return _finish(_litter(rng, page))


def _planks(rng: Rng) -> Picture:
    page = _ground(rng, (134, 110, 84), coarse=0.05, fine=0.05)
    _cells(rng, page, 40, 3, 0.11, 0.5)
    return _finish(page)


def _tactile(rng: Rng) -> Picture:
    page = _ground(rng, (136, 136, 138), coarse=0.05, fine=0.06)
    _cells(rng, page, 12, 12, 0.05, 0.7)
    page[200:226] = (188, 160, 60)
    page[200:226:6] *= 0.75
    return _finish(page)


def _carpet(rng: Rng) -> Picture:
    tones = ((96, 70, 74), (78, 84, 104), (112, 104, 90), (70, 86, 78))
    page = _ground(rng, tones[int(rng.integers(4))], coarse=0.04, fine=0.10)
    field = cv2.resize(band_noise(rng, 128, 10), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    page *= (1 + 0.14 * (field > 0.5))[..., None]
    return _finish(page)


def _brick(rng: Rng) -> Picture:
    tones = ((142, 88, 68), (160, 128, 100), (112, 100, 94), (176, 164, 148))
    page = _ground(rng, tones[int(rng.integers(4))], coarse=0.06, fine=0.06)
    _cells(rng, page, 42, 14, 0.10, 1.25)
    if rng.random() < 0.5:
        _window(rng, page, (120, 90), (300, 330))
    return _finish(page)


def _window(rng: Rng, page: Canvas, low: tuple[int, int], high: tuple[int, int]) -> None:
    cv2.rectangle(page, low, high, (200, 196, 188), -1)
    inner = (low[0] + 8, low[1] + 8), (high[0] - 8, high[1] - 8)
    glass = np.array((58, 66, 76)) * rng.uniform(0.5, 1.6)
    cv2.rectangle(page, *inner, glass.tolist(), -1)
    shine = np.array([(low[0] + 20, high[1] - 10), (low[0] + 60, low[1] + 10),
                      (low[0] + 85, low[1] + 10), (low[0] + 45, high[1] - 10)])  # fmt: skip
    cv2.fillPoly(page, [shine], (glass * 1.5).tolist(), cv2.LINE_AA)
    middle = (low[0] + high[0]) // 2
    cv2.line(page, (middle, low[1]), (middle, high[1]), (190, 186, 178), 5)


def _office(rng: Rng) -> Picture:
    tones = ((172, 168, 160), (128, 128, 132), (186, 172, 150), (100, 96, 94))
    page = _ground(rng, tones[int(rng.integers(4))], coarse=0.05, fine=0.03)
    for y in (40, 300):
        for x in (20, 190, 360):
            _window(rng, page, (x, y), (x + 120, y + 160))
    return _finish(page)


def _goods(rng: Rng, page: Canvas, low: tuple[int, int], high: tuple[int, int]) -> None:
    """Muted things on shelves; colours stay dull, or a shop would give its camera away."""
    for y in range(low[1], high[1], 34):
        x = low[0]
        while x < high[0] - 12:
            w = int(rng.integers(8, 34))
            tone = np.clip(rng.normal(120, 38) + rng.normal(0, 20, 3), 20, 230)
            top = y + int(rng.integers(2, 14))
            cv2.rectangle(page, (x, top), (min(x + w, high[0]), y + 30), tone.tolist(), -1)
            x += w + int(rng.integers(1, 6))


def _shops(rng: Rng) -> Picture:
    page = _ground(rng, (150, 144, 136), coarse=0.05, fine=0.03)
    for x in (0, 256):
        tone = np.clip(rng.normal(120, 30) + rng.normal(0, 14, 3), 20, 220)
        cv2.rectangle(page, (x + 6, 60), (x + 250, 112), tone.tolist(), -1)
        name = "".join(chr(65 + int(k)) for k in rng.integers(0, 26, 6))
        light = (230, 228, 220) if tone.mean() < 140 else (40, 40, 40)
        cv2.putText(page, name, (x + 40, 100), cv2.FONT_HERSHEY_DUPLEX, 1.3, light, 3, cv2.LINE_AA)
        cv2.rectangle(page, (x + 12, 124), (x + 244, 490), (54, 54, 56), -1)
        _goods(rng, page, (x + 18, 150), (x + 238, 470))
        cv2.rectangle(page, (x + 180, 130), (x + 240, 500), (84, 84, 88), -1)
        cv2.rectangle(page, (x + 190, 150), (x + 230, 480), (46, 52, 58), -1)
    return _finish(page)


def _panels(rng: Rng) -> Picture:
    page = _ground(rng, (166, 166, 164), coarse=0.04, fine=0.02)
    _cells(rng, page, int(rng.choice([3, 5])), int(rng.choice([2, 3, 6])), 0.05, 0.6)
    if rng.random() < 0.6:
        _poster(rng, page, (150, 160), (290, 370))
    return _finish(page)


def _poster(rng: Rng, page: Canvas, low: tuple[int, int], high: tuple[int, int]) -> None:
    base = np.clip(rng.normal(150, 40) + rng.normal(0, 14, 3), 30, 235)
    cv2.rectangle(page, low, high, base.tolist(), -1)
    w, h = high[0] - low[0], high[1] - low[1]
    for _ in range(8):
        at = (low[0] + int(rng.uniform(0.1, 0.9) * w), low[1] + int(rng.uniform(0.1, 0.9) * h))
        tone = np.clip(base + rng.normal(0, 45) + rng.normal(0, 20, 3), 10, 245).tolist()
        size = (int(rng.uniform(4, 0.25 * w)), int(rng.uniform(4, 0.2 * h)))
        cv2.ellipse(page, at, size, rng.uniform(0, 180), 0, 360, tone, -1, cv2.LINE_AA)
    for line in range(4):
        y = low[1] + int(h * (0.7 + 0.07 * line))
        cv2.line(page, (low[0] + 8, y), (high[0] - int(rng.integers(8, 50)), y), (40, 40, 40), 3)
    cv2.rectangle(page, low, high, (70, 70, 70), 3)


def _graffiti(rng: Rng) -> Picture:
    page = _ground(rng, (140, 134, 128), coarse=0.10, fine=0.05)
    for _ in range(26):
        points = np.cumsum(rng.normal(0, 30, (10, 2)), 0) + rng.uniform(0, SIZE, 2)
        tone = np.clip(rng.normal(128, 50) + rng.normal(0, 34, 3), 10, 245).tolist()
        cv2.polylines(
            page, [points.astype(np.int32)], False, tone, int(rng.integers(2, 12)), cv2.LINE_AA
        )
    return _finish(page)


def _glass(rng: Rng) -> Picture:
    sky = np.linspace(150, 80, SIZE)[:, None, None] * np.array((0.86, 0.95, 1.05))
    page: Canvas = np.broadcast_to(sky, (SIZE, SIZE, 3)).astype(np.float32).copy()
    for _ in range(14):
        low = tuple(int(v) for v in rng.integers(0, SIZE, 2))
        high = (low[0] + int(rng.integers(30, 160)), low[1] + int(rng.integers(30, 220)))
        cv2.rectangle(
            page, low, high, (np.array((96, 102, 108)) * rng.uniform(0.5, 1.4)).tolist(), -1
        )
    page = cv2.GaussianBlur(page, (0, 0), 3)
    for x in range(0, SIZE, 128):
        page[:, x : x + 6] = (70, 72, 74)
    page[250:256] = (70, 72, 74)
    return _finish(page)


def _shutters(rng: Rng) -> Picture:
    tones = ((120, 124, 128), (104, 116, 108), (140, 124, 108), (90, 96, 112))
    page = _ground(rng, tones[int(rng.integers(4))], coarse=0.06, fine=0.03)
    page[::10] *= 0.62
    page[1::10] *= 1.2
    for x in (0, 256):
        page[:, x : x + 14] = (100, 98, 96)
    if rng.random() < 0.7:
        _poster(rng, page, (330, 200), (420, 330))
    return _finish(page)


def _stalls(rng: Rng) -> Picture:
    page = _ground(rng, (76, 70, 64), coarse=0.05, fine=0.05)
    for x in range(0, SIZE, 64):
        tone = (196, 190, 178) if x // 64 % 2 else np.clip(rng.normal(120, 26, 3), 40, 200).tolist()
        cv2.rectangle(page, (x, 20), (x + 64, 110), tone, -1)
    _goods(rng, page, (10, 150), (500, 380))
    cv2.rectangle(page, (0, 392), (SIZE, SIZE), (120, 96, 70), -1)
    page[392::24] *= 0.7
    return _finish(page)


def _posters(rng: Rng) -> Picture:
    page = _ground(rng, (170, 166, 158), coarse=0.05, fine=0.03)
    for x in (20, 190, 350):
        _poster(rng, page, (x, int(rng.integers(80, 160))), (x + 140, int(rng.integers(300, 420))))
    return _finish(page)


def _wall_tiles(rng: Rng) -> Picture:
    tones = ((196, 198, 194), (150, 168, 160), (176, 160, 138))
    page = _ground(rng, tones[int(rng.integers(3))], coarse=0.03, fine=0.02)
    _cells(rng, page, 32, 20, 0.03, 0.7)
    page[330:360] *= 0.6
    return _finish(page)


def _sign(rng: Rng) -> Picture:
    page = _ground(rng, (150, 150, 150), coarse=0.02, fine=0.01)
    _poster(rng, page, (4, 4), (508, 508))
    return _finish(page)


def _wood(rng: Rng) -> Picture:
    page = _ground(rng, (126, 98, 70), coarse=0.05, fine=0.06)
    _cells(rng, page, 8, 1, 0.08, 0.5)
    return _finish(page)


def _painted(rng: Rng) -> Picture:
    tone = np.clip(rng.normal(128, 40) + rng.normal(0, 6, 3), 30, 225)
    page = _ground(rng, (float(tone[0]), float(tone[1]), float(tone[2])), coarse=0.06, fine=0.03)
    page[480:] *= 0.6
    return _finish(page)


def _crates(rng: Rng) -> Picture:
    page = _ground(rng, (150, 124, 88), coarse=0.05, fine=0.05)
    _cells(rng, page, 4, 3, 0.16, 0.4)
    return _finish(page)


_PAINTERS: dict[Surface, Callable[[Rng], Picture]] = {
    Surface.ASPHALT: _asphalt,
    Surface.SLABS: _slabs,
    Surface.COBBLES: _cobbles,
    Surface.GRASS: _grass,
    Surface.TILES: _tiles,
    Surface.HERRINGBONE: _herringbone,
    Surface.CONCRETE: _concrete,
    Surface.GRAVEL: _gravel,
    Surface.PLANKS: _planks,
    Surface.TACTILE: _tactile,
    Surface.CARPET: _carpet,
    Surface.BRICK: _brick,
    Surface.OFFICE: _office,
    Surface.SHOPS: _shops,
    Surface.PANELS: _panels,
    Surface.GRAFFITI: _graffiti,
    Surface.GLASS: _glass,
    Surface.SHUTTERS: _shutters,
    Surface.STALLS: _stalls,
    Surface.POSTERS: _posters,
    Surface.WALL_TILES: _wall_tiles,
    Surface.LEAVES: cutouts.leaves,
    Surface.BICYCLES: cutouts.bicycles,
    Surface.RAILING: cutouts.railing,
    Surface.CAR_SIDE: cutouts.car_side,
    Surface.SIGN: _sign,
    Surface.WOOD: _wood,
    Surface.PAINTED: _painted,
    Surface.MESH_FENCE: cutouts.mesh_fence,
    Surface.SCOOTER: cutouts.scooter,
    Surface.CRATES: _crates,
}
