"""Heads: skull, face relief, ears, hair styles and hats. Metres above the chin, times head size."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from model.synthetic.anatomy import Figure
from model.synthetic.gait import Joint
from model.synthetic.mesh import Array, Binding, MeshBuilder, Rings, rigid, smoothstep
from model.synthetic.pages import Page

CHIN = 0.866
"""Height of the chin as a fraction of stature."""
FACE_TOP, FACE_BOTTOM = 0.235, -0.02
"""What the first and the last row of the head's page stand for."""

_Y = np.array([-0.012, 0.0, 0.012, 0.03, 0.05, 0.075, 0.10, 0.125, 0.15, 0.175, 0.195, 0.210, 0.220, 0.226])  # fmt: skip  # noqa: E501
_X = np.array([0.030, 0.038, 0.045, 0.052, 0.058, 0.064, 0.068, 0.071, 0.0735, 0.071, 0.063, 0.050, 0.034, 0.010])  # fmt: skip  # noqa: E501
_Z = np.array([0.036, 0.052, 0.062, 0.072, 0.078, 0.084, 0.088, 0.092, 0.095, 0.092, 0.083, 0.066, 0.045, 0.014])  # fmt: skip  # noqa: E501
_C = np.array([0.012, 0.020, 0.022, 0.020, 0.017, 0.013, 0.010, 0.006, 0.002, -0.001, -0.003, -0.005, -0.006, -0.006])  # fmt: skip  # noqa: E501


class Hair(IntEnum):
    BALD = 0
    CROP = 1
    SHORT = 2
    SIDE_PART = 3
    BOB = 4
    LONG = 5
    PONYTAIL = 6
    BUN = 7
    AFRO = 8
    RECEDING = 9
    SCARF = 10
    TWO_TAILS = 11


class Hat(IntEnum):
    NONE = 0
    CAP = 1
    BEANIE = 2
    HOOD = 3
    SUN_HAT = 4
    HELMET = 5


@dataclass(frozen=True)
class HairCut:
    style: Hair
    length: float
    """.5 to 1.4, scales what hangs"""
    volume: float
    fringe: float
    """0 none, 1 down to the brows"""
    part: float
    """-1 to 1, where the crown parts"""


@dataclass(frozen=True)
class _Shape:
    """How a style covers the skull, in metres above the chin."""

    thickness: float
    front: float
    side: float
    nape: float


_SHAPES = {
    Hair.CROP: _Shape(0.004, 0.172, 0.112, 0.060),
    Hair.SHORT: _Shape(0.011, 0.168, 0.105, 0.042),
    Hair.SIDE_PART: _Shape(0.016, 0.166, 0.100, 0.040),
    Hair.BOB: _Shape(0.017, 0.165, 0.010, -0.005),
    Hair.LONG: _Shape(0.015, 0.168, 0.000, -0.010),
    Hair.PONYTAIL: _Shape(0.008, 0.175, 0.100, 0.045),
    Hair.BUN: _Shape(0.009, 0.174, 0.098, 0.045),
    Hair.AFRO: _Shape(0.036, 0.160, 0.085, 0.030),
    Hair.RECEDING: _Shape(0.007, 0.200, 0.110, 0.045),
    Hair.SCARF: _Shape(0.014, 0.160, -0.03, -0.04),
    Hair.TWO_TAILS: _Shape(0.008, 0.172, 0.095, 0.045),
}


class Skull:
    """Cross-sections of one head."""

    def __init__(self, figure: Figure) -> None:
        body = figure.body
        self.scale, self.base = body.head, CHIN * figure.height
        self.width, self.jaw, self.nose = body.head_width, body.jaw, body.nose
        self.z = 0.003 * figure.height

    def section(self, y: Array) -> tuple[Array, Array, Array]:
        """Half width, half depth and centre z (unscaled metres) at `y` above the chin."""
        jaw = 1 + (self.jaw - 1) * (1 - smoothstep(y, 0.03, 0.09))
        return np.interp(y, _Y, _X) * self.width * jaw, np.interp(y, _Y, _Z), np.interp(y, _Y, _C)

    def rings(self, y: Array, rx: Array, rz: Array, cz: Array, exponent: float = 2.0) -> Rings:
        s = self.scale
        return Rings(self.base + y * s, rx * s, rz * s, 0, cz * s + self.z, exponent)


def add_head(mesh: MeshBuilder, figure: Figure) -> None:
    """Skull with nose, brow, eye sockets, cheeks and chin in relief, and ears."""
    skull = Skull(figure)
    y = np.interp(np.linspace(0, 1, 26), np.linspace(0, 1, len(_Y)), _Y)
    theta = np.linspace(-np.pi, np.pi, 33)
    rx, rz, cz = skull.section(y)
    mesh.loft(
        skull.rings(y, rx, rz, cz),
        Page.HEAD,
        rigid(Joint.HEAD),
        sides=32,
        v=(FACE_TOP - y) / (FACE_TOP - FACE_BOTTOM),
        bulge=_face_relief(y[:, None], theta[None], skull.nose),
    )
    s = skull.scale
    ear_y = np.array([0.078, 0.086, 0.10, 0.115, 0.126, 0.131])
    ear = np.array([0.004, 0.010, 0.013, 0.016, 0.014, 0.005]) * s
    for side in (1, -1):
        half, _, centre = skull.section(ear_y)
        rings = Rings(
            skull.base + ear_y * s,
            0.008 * s,
            ear,
            side * (half + 0.001) * s,
            (centre - 0.008) * s + skull.z,
        )
        mesh.loft(rings, Page.SKIN, rigid(Joint.HEAD), sides=8)


def _face_relief(y: Array, theta: Array, nose: float) -> Array:
    side = np.abs(theta)
    ridge = np.exp(-((side / 0.13) ** 2))
    tip = 0.19 * nose * np.exp(-(((y - 0.078) / 0.012) ** 2)) * np.exp(-((side / 0.17) ** 2))
    bridge = 0.09 * nose * smoothstep(y, 0.068, 0.082) * (1 - smoothstep(y, 0.09, 0.125)) * ridge
    socket = -0.06 * np.exp(-(((y - 0.112) / 0.010) ** 2) - ((side - 0.36) / 0.20) ** 2)
    brow = 0.035 * np.exp(-(((y - 0.128) / 0.010) ** 2) - (side / 0.65) ** 2)
    cheek = 0.03 * np.exp(-(((y - 0.075) / 0.02) ** 2) - ((side - 0.62) / 0.25) ** 2)
    lips = 0.04 * np.exp(-(((y - 0.043) / 0.010) ** 2) - (side / 0.28) ** 2)
    chin = 0.07 * np.exp(-(((y - 0.010) / 0.012) ** 2) - (side / 0.30) ** 2)
    return np.asarray(1 + tip + bridge + socket + brow + cheek + lips + chin)


def hair_line(theta: Array, cut: HairCut) -> Array:
    """Lowest covered height (metres above the chin) at each angle; 0 is the front."""
    shape = _SHAPES[cut.style]
    side = np.abs(theta)
    front = shape.front - cut.fringe * 0.036 + 0.004 * np.sin(9 * theta + 7 * cut.part)
    front = front + 0.010 * np.cos(theta - 0.5 * cut.part) * (1 - cut.fringe)
    line = front + (shape.side - front) * smoothstep(side, 0.62, 1.15)
    return np.asarray(line + (shape.nape - shape.side) * smoothstep(side, 1.75, 2.3))


def bind_hanging(figure: Figure) -> Binding:
    """Follows the head above the chin and the chest below."""

    def binding(p: Array) -> tuple[int, int, Array]:
        drop = smoothstep(CHIN * figure.height - p[:, 1], -0.02, 0.10)
        return int(Joint.HEAD), int(Joint.CHEST), drop * 0.85

    return binding


def add_hair(mesh: MeshBuilder, figure: Figure, cut: HairCut) -> None:
    """A shell over the skull above the hair line, and what hangs or is tied."""
    if cut.style == Hair.BALD:
        return
    skull, shape = Skull(figure), _SHAPES[cut.style]
    thick = shape.thickness * cut.volume
    low = min(shape.side, shape.nape) - 0.01
    y = np.concatenate([np.linspace(low, 0.16, 15), np.linspace(0.168, 0.226 + thick * 0.9, 9)])
    theta = np.linspace(-np.pi, np.pi, 41)[None]
    rx, rz, cz = skull.section(np.clip(y, 0.03, 0.2))
    crown = np.clip((y - 0.19) / (0.0365 + thick * 0.9), 0, 1)
    dome = np.sqrt(np.clip(1 - crown**2 * 0.985, 0, 1))
    cover = smoothstep(y[:, None] - hair_line(theta, cut), -0.007, 0.007)
    lift = thick * (1 + 0.35 * smoothstep(y, 0.16, 0.2))[:, None]
    lift = lift * (1 + 0.10 * np.sin(7 * theta + 50 * y[:, None] + 5 * cut.part))
    parted = 0.006 * np.exp(-(((theta - 0.45 * cut.part) / 0.12) ** 2)) * (y > 0.17)[:, None]
    reach = (cover * (lift - parted) - (1 - cover) * 0.016) / rx.mean()
    skull_rings = skull.rings(y, rx * dome, rz * dome, cz)
    page = Page.SCARF if cut.style == Hair.SCARF else Page.HAIR
    mesh.loft(skull_rings, page, bind_hanging(figure), sides=40, bulge=1 + reach)
    _add_tails(mesh, figure, skull, cut)


def _add_tails(mesh: MeshBuilder, figure: Figure, skull: Skull, cut: HairCut) -> None:
    s, hang = skull.scale, bind_hanging(figure)
    if cut.style in (Hair.LONG, Hair.SCARF):
        _add_curtain(mesh, figure, skull, cut)
    if cut.style == Hair.PONYTAIL:
        y = np.linspace(0.16 - 0.22 * cut.length, 0.165, 10)
        t = np.linspace(1, 0, 10)
        radius = (
            0.030 * cut.volume * np.sqrt(np.clip(np.sin(np.pi * (0.12 + 0.80 * (1 - t))), 0.1, 1))
        )
        z = -0.098 - 0.028 * np.sin(np.pi * np.clip(1.2 * (1 - t), 0, 1))
        mesh.loft(
            Rings(skull.base + y * s, radius * s, radius * 0.8 * s, 0, z * s),
            Page.HAIR,
            hang,
            sides=12,
        )
    if cut.style == Hair.BUN:
        y = np.linspace(0.135, 0.235, 9)
        radius = 0.046 * cut.volume * np.sqrt(np.clip(1 - ((y - 0.185) / 0.051) ** 2, 0.02, 1))
        mesh.loft(
            Rings(skull.base + y * s, radius * s, radius * s, 0, -0.078 * s),
            Page.HAIR,
            rigid(Joint.HEAD),
            sides=12,
        )
    if cut.style == Hair.TWO_TAILS:
        y = np.linspace(0.09 - 0.20 * cut.length, 0.10, 8)
        radius = 0.020 * cut.volume * np.array([0.3, 0.7, 0.95, 1, 1, 0.95, 0.85, 0.6])
        for side in (1, -1):
            mesh.loft(
                Rings(skull.base + y * s, radius * s, radius * s, side * 0.078 * s, -0.03 * s),
                Page.HAIR,
                hang,
                sides=10,
            )


def _add_curtain(mesh: MeshBuilder, figure: Figure, skull: Skull, cut: HairCut) -> None:
    """Hair (or a scarf) that falls over shoulders and back, open at the face."""
    s = skull.scale
    low = -0.17 * cut.length
    y = np.linspace(low, 0.13, 12)
    t = (y - low) / (0.13 - low)
    rx = np.interp(t, [0, 0.3, 0.6, 1], [0.080, 0.088, 0.082, 0.078]) * cut.volume
    rz = np.interp(t, [0, 0.3, 0.6, 1], [0.045, 0.055, 0.075, 0.092]) * cut.volume
    cz = np.interp(t, [0, 0.35, 0.7, 1], [-0.070, -0.060, -0.025, -0.004])
    open_ = 0.85 if cut.style == Hair.LONG else 0.35
    gap = np.interp(t, [0, 0.5, 1], [open_ + 0.5, open_ + 0.2, open_])
    theta = np.linspace(0, 1, 31)[None]
    waves = 1 + 0.05 * np.sin(34 * theta + 8 * y[:, None] / 0.1) * (1 - 0.6 * t[:, None])
    mesh.loft(
        Rings(skull.base + y * s, rx * s, rz * s, 0, cz * s),
        Page.HAIR if cut.style == Hair.LONG else Page.SCARF,
        bind_hanging(figure),
        sides=30,
        gap=gap,
        bulge=waves,
    )


_HATS = {
    Hat.CAP: (0.012, 0.150),
    Hat.BEANIE: (0.018, 0.128),
    Hat.HOOD: (0.026, -0.03),
    Hat.SUN_HAT: (0.016, 0.150),
    Hat.HELMET: (0.034, 0.135),
}


def add_hat(mesh: MeshBuilder, figure: Figure, hat: Hat) -> None:
    if hat == Hat.NONE:
        return
    skull = Skull(figure)
    thick, low = _HATS[hat]
    y = np.linspace(low, 0.226 + thick, 14)
    rx, rz, cz = skull.section(np.clip(y, 0.04, 0.19))
    crown = np.clip((y - 0.185) / (0.041 + thick), 0, 1)
    dome = np.sqrt(np.clip(1 - crown**2 * 0.985, 0, 1))
    theta = np.linspace(-np.pi, np.pi, 29)[None]
    bulge = np.ones((len(y), 29))
    if hat == Hat.HOOD:
        face = smoothstep(-np.abs(theta), -0.95, -0.7) * smoothstep(-y, -0.19, -0.17)[:, None]
        bulge = bulge - 0.40 * face
    if hat == Hat.BEANIE:
        bulge = bulge + 0.05 * (y < low + 0.035)[:, None]
    rings = skull.rings(y, (rx + thick) * dome, (rz + thick) * dome, cz - 0.004 * (hat == Hat.HOOD))
    mesh.loft(rings, Page.HAT, rigid(Joint.HEAD), sides=28, bulge=bulge)
    if hat == Hat.CAP:
        _add_peak(mesh, skull)
    if hat == Hat.SUN_HAT:
        rim_y = np.array([0.150, 0.154, 0.158])
        rim = np.array([1.75, 1.76, 1.0])
        rings = skull.rings(rim_y, 0.075 * rim, 0.095 * rim, np.full(3, 0.0))
        mesh.loft(rings, Page.HAT, rigid(Joint.HEAD), sides=28, cap=False)


def _add_peak(mesh: MeshBuilder, skull: Skull) -> None:
    s = skull.scale
    z = np.array([0.05, 0.09, 0.13, 0.155, 0.165]) * s
    half = np.array([0.074, 0.073, 0.064, 0.046, 0.02]) * s
    y = skull.base + np.array([0.160, 0.159, 0.155, 0.150, 0.147]) * s
    mesh.loft(
        Rings(z + skull.z, half, 0.005 * s, 0, y), Page.HAT, rigid(Joint.HEAD), sides=14, axis="z"
    )
