"""Bodies: proportions of a person, the joints they put in place, and the skin's surfaces.

Lengths in the tables are fractions of stature; the head is in metres, because heads vary less
than statures do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.synthetic.gait import JOINTS, Joint
from model.synthetic.mesh import Array, Binding, MeshBuilder, Rings, rigid, smoothstep
from model.synthetic.pages import Page


@dataclass(frozen=True)
class BodyStyle:
    """How the bodies of one kind of world are distributed."""

    stature: float = 1.77
    stature_spread: float = 0.07
    woman_shorter: float = 0.13
    fat_scale: float = 0.13
    child_rate: float = 0.05
    elder_rate: float = 0.08
    leg_ratio: float = 1.0
    limb_girth: float = 1.0
    head_scale: float = 1.0
    squareness: float = 2.35


@dataclass(frozen=True)
class Body:
    stature: float
    woman: float
    """0 a man's proportions, 1 a woman's"""
    fat: float
    shoulders: float
    bust: float
    head: float
    head_width: float
    jaw: float
    nose: float
    leg_ratio: float
    girth: float
    squareness: float
    child: bool
    elder: bool


def sample_body(rng: np.random.Generator, style: BodyStyle, woman: bool | None = None) -> Body:
    """A body of that style; `woman` None draws it."""
    if woman is None:
        woman = bool(rng.random() < 0.5)
    feminine = float(np.clip(rng.normal(0.9 if woman else 0.08, 0.1), 0, 1))
    child = bool(rng.random() < style.child_rate)
    elder = bool(rng.random() < style.elder_rate) and not child
    mean = style.stature - style.woman_shorter * feminine
    stature = float(np.clip(rng.normal(mean, style.stature_spread), 1.45, 2.02))
    if child:
        stature = float(rng.uniform(1.08, 1.45))
    return Body(
        stature=stature,
        woman=feminine,
        fat=float(np.clip(rng.gamma(1.4, style.fat_scale) - 0.14 + 0.1 * elder, -0.16, 0.85)),
        shoulders=float(rng.normal(1, 0.045)),
        bust=0.0 if child else float(rng.uniform(0.3, 1.2)),
        head=float(np.clip(rng.normal(1.0, 0.03), 0.93, 1.08))
        * style.head_scale
        * (0.95 if child else 1.0),
        head_width=float(rng.normal(1, 0.045)),
        jaw=float(rng.normal(1 - 0.06 * feminine, 0.06)),
        nose=float(rng.uniform(0.6, 1.5)),
        leg_ratio=float(np.clip(rng.normal(style.leg_ratio, 0.018), 0.93, 1.07))
        * (0.96 if child else 1.0),
        girth=float(rng.normal(style.limb_girth, 0.05)),
        squareness=style.squareness,
        child=child,
        elder=elder,
    )


# Heights of the torso's rings and, at each, half width (man, woman), half depth, centre in z.
TORSO_Y = np.array(
    [0.455, 0.48, 0.52, 0.56, 0.60, 0.64, 0.68, 0.72, 0.755, 0.783, 0.803, 0.818, 0.830, 0.841,
     0.852, 0.864, 0.88]
)  # fmt: skip
_MAN_X = np.array(
    [0.076, 0.089, 0.094, 0.090, 0.084, 0.084, 0.089, 0.094, 0.097, 0.096, 0.089, 0.077, 0.062,
     0.049, 0.040, 0.035, 0.034]
)  # fmt: skip
_WOMAN_X = np.array(
    [0.076, 0.094, 0.100, 0.089, 0.074, 0.071, 0.077, 0.083, 0.085, 0.084, 0.078, 0.067, 0.052,
     0.041, 0.033, 0.029, 0.028]
)  # fmt: skip
_DEPTH = np.array(
    [0.062, 0.071, 0.074, 0.067, 0.060, 0.060, 0.066, 0.068, 0.064, 0.057, 0.051, 0.046, 0.042,
     0.039, 0.036, 0.035, 0.035]
)  # fmt: skip
_CENTRE = np.array(
    [-0.004, -0.008, -0.012, -0.005, 0.003, 0.004, 0.003, 0.0, -0.004, -0.007, -0.010, -0.011,
     -0.010, -0.007, -0.003, 0.001, 0.004]
)  # fmt: skip

LEG_Y = np.array([0.51, 0.47, 0.43, 0.37, 0.31, 0.285, 0.25, 0.20, 0.13, 0.07, 0.035])
_LEG_R = np.array([0.049, 0.055, 0.052, 0.045, 0.0375, 0.036, 0.0345, 0.035, 0.027, 0.021, 0.021])
_LEG_Z = np.array(
    [-0.004, -0.004, 0.0, 0.002, 0.004, 0.004, -0.004, -0.011, -0.010, -0.009, -0.007]
)
ARM_Y = np.array(
    [0.823, 0.820, 0.814, 0.803, 0.785, 0.76, 0.72, 0.68, 0.63, 0.58, 0.53, 0.50, 0.485]
)
_ARM_R = np.array(
    [
        0.005,
        0.013,
        0.020,
        0.025,
        0.029,
        0.030,
        0.0285,
        0.0262,
        0.0237,
        0.0237,
        0.0197,
        0.0164,
        0.0154,
    ]
)


class Figure:
    """A body in metres: joints, and interpolated cross-sections that garments are cut to."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.height = body.stature
        h = self.height
        self.shoulder = (0.095 - 0.008 * body.woman) * h * (1 + 0.10 * body.fat) * body.shoulders
        self.hip = 0.0475 * h * (1 + 0.06 * body.woman)
        self.joints = self._joints()

    def _joints(self) -> NDArray[np.float32]:
        h, joints = self.height, np.zeros((JOINTS, 3))
        joints[Joint.PELVIS] = (0, 0.53, 0)
        joints[Joint.SPINE] = (0, 0.60, 0)
        joints[Joint.CHEST] = (0, 0.69, 0)
        joints[Joint.NECK] = (0, 0.835, -0.005)
        joints[Joint.HEAD] = (0, 0.872, 0.003)
        joints *= h
        for arm, leg, side in ((Joint.ARM_L, Joint.LEG_L, 1), (Joint.ARM_R, Joint.LEG_R, -1)):
            s, p = side * self.shoulder, side * self.hip
            joints[arm] = (s, 0.798 * h, -0.006 * h)
            joints[arm + 1] = (s + side * 0.013 * h, 0.63 * h, -0.007 * h)
            joints[arm + 2] = (s + side * 0.019 * h, 0.485 * h, 0)
            joints[leg] = (p, 0.50 * h, 0)
            joints[leg + 1] = (p * 1.02, 0.285 * h, 0.004 * h)
            joints[leg + 2] = (p, 0.045 * h, -0.008 * h)
        return joints.astype(np.float32)

    def torso(self, y: ArrayLike) -> tuple[Array, Array, Array]:
        """Half width, half depth and centre in z at heights `y` (fractions), in metres."""
        q = np.asarray(y, float)
        body, table = self.body, TORSO_Y
        half = np.interp(q, table, _MAN_X * (1 - body.woman) + _WOMAN_X * body.woman)
        depth, centre = np.interp(q, table, _DEPTH), np.interp(q, table, _CENTRE)
        below = 1 - smoothstep(q, 0.78, 0.85)
        belly = np.exp(-(((q - 0.585) / 0.06) ** 2))
        half = half * (1 + body.fat * (0.16 + 0.30 * belly) * below)
        half = half * (1 + (body.shoulders - 1) * smoothstep(q, 0.68, 0.76) * below)
        depth = depth * (1 + body.fat * (0.25 + 0.55 * belly) * below)
        bust = body.woman * body.bust * np.exp(-(((q - 0.725) / 0.032) ** 2))
        depth = depth * (1 + 0.17 * bust)
        centre = centre + body.fat * 0.022 * belly + 0.009 * bust
        return half * self.height, depth * self.height, centre * self.height

    def leg(self, y: ArrayLike, side: int) -> tuple[Array, Array, Array, Array]:
        """Half width, half depth, centre x, centre z at heights `y`, in metres."""
        q = np.asarray(y, float)
        body = self.body
        radius = np.interp(q, LEG_Y[::-1], _LEG_R[::-1]) * (1 + 0.22 * body.fat) * body.girth
        radius = radius * (1 + 0.05 * body.woman * (q > 0.4))
        centre = np.interp(q, [0.0, 0.285, 0.5], [1.0, 1.02, 1.05]) * self.hip * side
        z = np.interp(q, LEG_Y[::-1], _LEG_Z[::-1]) * self.height
        return radius * self.height, radius * 1.08 * self.height, centre, z

    def arm(self, y: ArrayLike, side: int) -> tuple[Array, Array, Array, Array]:
        """Half width, half depth, centre x, centre z at heights `y`, in metres."""
        q = np.asarray(y, float)
        body = self.body
        radius = np.interp(q, ARM_Y[::-1], _ARM_R[::-1])
        radius = radius * (1 + 0.2 * body.fat) * (1 - 0.12 * body.woman) * body.girth
        out = np.interp(
            q,
            [0.485, 0.63, 0.75, 0.785, 0.805, 0.823],
            [0.019, 0.013, 0.001, -0.004, -0.012, -0.032],
        )
        x = side * (self.shoulder + out * self.height)
        z = np.interp(q, [0.485, 0.63, 0.80], [0.0, -0.006, -0.006]) * self.height
        return radius * self.height, radius * 1.1 * self.height, x, z

    def bind_torso(self) -> Binding:
        h = self.height

        def binding(p: Array) -> tuple[Array, Array, Array]:
            y = p[:, 1] / h
            first = np.where(y < 0.60, 0, np.where(y < 0.69, 1, 2))
            second = np.where(first == 2, 3, first + 1)
            upper = np.where(y < 0.69, smoothstep(y, 0.64, 0.72), smoothstep(y, 0.83, 0.875))
            weight = np.where(y < 0.60, smoothstep(y, 0.55, 0.62), upper)
            low = y < 0.50
            thigh = np.where(p[:, 0] > 0, int(Joint.LEG_L), int(Joint.LEG_R))
            follow = smoothstep(-y, -0.52, -0.44) * 0.5
            return (
                np.where(low, 0, first),
                np.where(low, thigh, second),
                np.where(low, follow, weight),
            )

        return binding

    def bind_leg(self, leg: int) -> Binding:
        h = self.height

        def binding(p: Array) -> tuple[Array, Array, Array]:
            y = p[:, 1] / h
            upper, middle = y > 0.40, y > 0.16
            first = np.where(upper, 0, np.where(middle, leg, leg + 1))
            second = np.where(upper, leg, np.where(middle, leg + 1, leg + 2))
            shin = np.where(
                middle, smoothstep(-y, -0.325, -0.245), smoothstep(-y, -0.06, -0.03) * 0.6
            )
            return first, second, np.where(upper, smoothstep(-y, -0.53, -0.45), shin)

        return binding

    def bind_arm(self, arm: int) -> Binding:
        h = self.height

        def binding(p: Array) -> tuple[Array, Array, Array]:
            y = p[:, 1] / h
            upper, middle = y > 0.70, y > 0.56
            first = np.where(upper, 2, np.where(middle, arm, arm + 1))
            second = np.where(upper, arm, np.where(middle, arm + 1, arm + 2))
            fore = np.where(middle, smoothstep(-y, -0.665, -0.595), smoothstep(-y, -0.50, -0.475))
            return first, second, np.where(upper, 0.3 + 0.7 * smoothstep(-y, -0.83, -0.775), fore)

        return binding

    def sides(self) -> tuple[tuple[int, Joint, Joint], ...]:
        """(+1 left or -1 right, arm, leg)"""
        return (1, Joint.ARM_L, Joint.LEG_L), (-1, Joint.ARM_R, Joint.LEG_R)


def add_neck(mesh: MeshBuilder, figure: Figure) -> None:
    """Neck and the skin of the upper chest, which necklines leave open."""
    y = np.array([0.80, 0.815, 0.83, 0.842, 0.852, 0.864, 0.876, 0.89])
    half, depth, centre = figure.torso(y)
    rings = Rings(y * figure.height, half * 0.97, depth * 0.97, 0, centre, 2.0)
    mesh.loft(rings, Page.SKIN, figure.bind_torso(), sides=20)


def add_legs(mesh: MeshBuilder, figure: Figure, top: float) -> None:
    """Bare legs from the ankle up to `top` (fraction of stature)."""
    y = np.linspace(0.03, top, 16)
    for side, _, leg in figure.sides():
        rx, rz, cx, cz = figure.leg(y, side)
        mesh.loft(
            Rings(y * figure.height, rx, rz, cx, cz, 2.05),
            Page.SKIN,
            figure.bind_leg(leg),
            sides=14,
        )


def add_arms(mesh: MeshBuilder, figure: Figure, top: float) -> None:
    """Bare arms from the wrist up to `top` (fraction of stature)."""
    y = np.linspace(0.485, top, 16)
    for side, arm, _ in figure.sides():
        rx, rz, cx, cz = figure.arm(y, side)
        mesh.loft(
            Rings(y * figure.height, rx, rz, cx, cz),
            Page.SKIN,
            figure.bind_arm(arm),
            sides=12,
        )


def add_hands(mesh: MeshBuilder, figure: Figure) -> None:
    """A palm with fingers held together, and a thumb."""
    h = figure.height
    y = np.array([0.398, 0.405, 0.420, 0.437, 0.452, 0.468, 0.482, 0.492])
    rx = np.array([0.004, 0.008, 0.0095, 0.0105, 0.0115, 0.012, 0.0125, 0.013]) * h
    rz = np.array([0.006, 0.013, 0.017, 0.020, 0.023, 0.021, 0.017, 0.0155]) * h
    thumb_y = np.array([0.432, 0.440, 0.452, 0.466])
    for side, arm, _ in figure.sides():
        x = side * (figure.shoulder + 0.019 * h)
        curl = -side * np.interp(y, [0.40, 0.45], [0.008, 0.0]) * h
        hand = rigid(arm + 2)
        mesh.loft(Rings(y * h, rx, rz, x + curl, 0.002 * h), Page.SKIN, hand, sides=10)
        z = np.interp(thumb_y, [0.432, 0.466], [0.026, 0.016]) * h
        radius = np.array([0.003, 0.0065, 0.007, 0.008]) * h
        mesh.loft(
            Rings(thumb_y * h, radius, radius, x - side * 0.006 * h, z), Page.SKIN, hand, sides=8
        )
