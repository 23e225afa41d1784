"""Clothes as surfaces: lofts that follow a figure at the distance of the cloth."""

import numpy as np

from model.synthetic.anatomy import Figure
from model.synthetic.gait import Joint
from model.synthetic.mesh import Array, Binding, MeshBuilder, Rings, rigid, smoothstep
from model.synthetic.outfit import Bag, Bottom, Jacket, Load, Neck, Shoes, Skirt, Top
from model.synthetic.pages import Page

COLLAR = 0.868
"""Height of the first texture row of everything worn on the torso."""


def folds(rows: Array, theta: Array, strength: float, seed: int) -> Array:
    """Factor [M, S] on radii that gives the silhouette soft creases."""
    a, b, c = np.random.default_rng(seed).uniform(0, 6.28, 3)
    wave = np.sin(2 * theta + 31 * rows + a) + 0.6 * np.sin(3 * theta - 57 * rows + b)
    return np.asarray(1 + strength * (wave + 0.5 * np.sin(5 * theta + 83 * rows + c)))


def circle(sides: int) -> Array:
    return np.linspace(-np.pi, np.pi, sides + 1)[None]


def _over_torso(
    figure: Figure, y: Array, thickness: float, flare: float, hem: float, under: float
) -> tuple[Rings, Array]:
    """Rings of a garment over the torso, and their texture rows.

    Cloth lies close on the shoulders' slope and stands off below; on the slope it rises along the
    normal instead of growing sideways, which keeps thick coats round.
    """
    h = figure.height
    # Below the hip the cloth hangs straight down instead of following the thighs.
    half, depth, centre = figure.torso(np.maximum(y, 0.50))
    thigh, _, middle, _ = figure.leg(np.clip(y, 0.47, 0.50), 1)
    half = np.maximum(half, (thigh + middle) * (1 - smoothstep(y, 0.50, 0.56)))
    slope = smoothstep(y, 0.775, 0.83)
    away = thickness * (1 - 0.75 * slope) * h + under * h * (1 - smoothstep(y, 0.55, 0.64))
    swing = flare * h * np.clip((0.62 - y) / 0.2, 0, 1.6)
    lifted = y * h + thickness * 0.85 * slope * h * (1 - smoothstep(y, 0.84, 0.87))
    exponent = np.interp(y, [0.45, 0.6, 0.76, 0.82], [2.2, 2.25, figure.body.squareness, 2.0])
    rings = Rings(lifted, half + away + swing, depth + away + swing, 0, centre, exponent)
    return rings, (COLLAR - y) / (COLLAR - hem)


def _bind_hanging_torso(figure: Figure, hem: float) -> Binding:
    """As the torso, but what hangs below the hips follows the thighs softly."""
    base, h = figure.bind_torso(), figure.height
    if hem > 0.44:
        return base

    def binding(p: Array) -> tuple[Array, Array, Array]:
        first, second, weight = (np.asarray(part) for part in base(p))
        y = p[:, 1] / h
        low = y < 0.50
        thigh = np.where(p[:, 0] > 0, int(Joint.LEG_L), int(Joint.LEG_R))
        middle = np.clip(np.abs(p[:, 0]) / (0.05 * h), 0, 1)
        follow = smoothstep(-y, -0.52, -0.38) * 0.6 * middle
        return (
            np.where(low, 0, first),
            np.where(low, thigh, second),
            np.where(low, follow, weight),
        )

    return binding


def add_top(mesh: MeshBuilder, figure: Figure, top: Top, under: float) -> None:
    """A shirt or a pullover over trousers that stand off by `under`."""
    rise = {Neck.ROUND: 0.846, Neck.DEEP: 0.842, Neck.SHIRT: 0.853, Neck.HIGH: 0.866}[top.neck]
    y = np.concatenate([np.linspace(top.hem, 0.77, 17), np.linspace(0.782, rise, 9)])
    rings, rows = _over_torso(figure, y, top.thickness, top.flare, top.hem, under)
    creases = folds(y[:, None], circle(32), 0.010 * top.fabric.crease, top.fabric.seed)
    mesh.loft(
        rings, Page.TOP, _bind_hanging_torso(figure, top.hem), sides=32, v=rows, bulge=creases
    )
    _add_sleeves(
        mesh, figure, Page.SLEEVE, top.thickness, top.sleeve_width, top.sleeve_end, top.fabric.seed
    )


def _add_sleeves(
    mesh: MeshBuilder,
    figure: Figure,
    page: Page,
    thickness: float,
    width: float,
    end: float,
    seed: int,
) -> None:
    h = figure.height
    y = np.concatenate([np.linspace(end, 0.79, 17), np.array([0.799, 0.807, 0.814, 0.819, 0.823])])
    away = thickness * (1 - 0.55 * smoothstep(y, 0.76, 0.82))
    away = away + width * np.clip((0.77 - y) / 0.12, 0, 1)
    if end < 0.5:
        away = away - (0.5 * width) * smoothstep(-y, -0.52, -0.49)
    strength = 0.016 + 0.035 * np.exp(-(((y - 0.63) / 0.05) ** 2))
    for side, arm, _ in figure.sides():
        rx, rz, cx, cz = figure.arm(y, side)
        creases = 1 + (folds(y[:, None], circle(18), 1.0, seed + side) - 1) * strength[:, None]
        lift = thickness * 0.75 * smoothstep(y, 0.76, 0.82)
        rings = Rings((y + lift) * h, rx + away * h, rz + away * h, cx, cz)
        mesh.loft(rings, page, figure.bind_arm(arm), sides=18, bulge=creases)


def add_jacket(mesh: MeshBuilder, figure: Figure, jacket: Jacket, top: float, under: float) -> None:
    """A jacket or a coat over a top of thickness `top` and trousers that stand off by `under`."""
    h, thickness = figure.height, jacket.thickness + top
    y = np.concatenate([np.linspace(jacket.hem, 0.77, 21), np.linspace(0.782, 0.852, 9)])
    rings, rows = _over_torso(figure, y, thickness, jacket.flare, jacket.hem, under)
    gap: Array = np.zeros(len(y))
    if jacket.open:
        gap = 0.05 + jacket.gap * np.clip((0.84 - y) / 0.38, 0, 1) ** 0.7
    creases = folds(y[:, None], circle(34), 0.010 * jacket.fabric.crease, jacket.fabric.seed)
    if jacket.quilted:
        creases = creases + 0.022 * np.abs(np.sin(np.pi * y * 26))[:, None]
    binding = _bind_hanging_torso(figure, jacket.hem)
    mesh.loft(
        rings, Page.JACKET, binding, sides=34, v=rows, bulge=creases, gap=gap, cap=not jacket.open
    )
    _add_sleeves(
        mesh,
        figure,
        Page.JACKET_SLEEVE,
        thickness,
        jacket.sleeve_width,
        0.484,
        jacket.fabric.seed,
    )
    collar_y = np.array([0.838, 0.848, 0.858, 0.868 + 0.3 * thickness])
    half, depth, centre = figure.torso(collar_y)
    wide = (0.55 * thickness + np.array([0.006, 0.005, 0.006, 0.008])) * h
    mesh.loft(
        Rings(collar_y * h, half + wide, depth + wide, 0, centre - 0.002 * h),
        Page.JACKET,
        figure.bind_torso(),
        sides=22,
        v=np.linspace(0.10, 0.0, 4),
        gap=np.array([0.25, 0.32, 0.42, 0.6]) if jacket.open else 0.08,
        cap=False,
    )
    if jacket.hood:
        _add_hood(mesh, figure, thickness)


def _add_hood(mesh: MeshBuilder, figure: Figure, thickness: float) -> None:
    """A hood that lies on the back."""
    h = figure.height
    y = np.linspace(0.79, 0.872, 8)
    t = np.linspace(0, 1, 8)
    k = np.sqrt(np.sin(np.pi * np.clip(t, 0.03, 0.97)))
    rings = Rings(y * h, 0.062 * k * h, 0.030 * k * h, 0, (-0.062 - thickness + 0.024 * t) * h)
    mesh.loft(rings, Page.JACKET, rigid(Joint.CHEST), sides=18, v=np.linspace(0.25, 0.02, 8))


def hip_ease(bottom: Bottom) -> float:
    """How far trousers stand off the hips, a fraction of stature."""
    return 0.0025 + 0.25 * bottom.width


def add_bottom(mesh: MeshBuilder, figure: Figure, bottom: Bottom, seed: int) -> None:
    """Trousers or shorts: the hips, and a tube for each leg."""
    h = figure.height
    hips = np.linspace(0.455, 0.60, 9)
    half, depth, centre = figure.torso(hips)
    ease = hip_ease(bottom) * h
    v_hips = np.interp(hips, [0.0, 0.60], [1.0, 0.0])
    mesh.loft(
        Rings(hips * h, half + ease, depth + ease, 0, centre, 2.2),
        Page.BOTTOM,
        figure.bind_torso(),
        sides=26,
        v=v_hips,
    )
    if bottom.hem > 0.5:
        return
    y = np.concatenate([np.linspace(bottom.hem, 0.13, 8)[:-1], np.linspace(0.13, 0.51, 17)])
    if bottom.hem > 0.12:
        y = np.linspace(bottom.hem, 0.51, 16)
    wide = bottom.width * np.clip((0.52 - y) / 0.1, 0, 1)
    wide = wide * (1 + bottom.flare * np.clip((0.25 - y) / 0.2, 0, 1)) + 0.002
    strength = 0.012 + 0.9 * bottom.width * (
        1.4 * np.exp(-(((y - 0.285) / 0.05) ** 2)) + 2.2 * np.exp(-(((y - 0.06) / 0.04) ** 2))
    )
    # The cloth breaks over the shoe.
    wide = wide + 0.10 * bottom.width * np.sin(y * 260) * (y < 0.11)
    for side, _, leg in figure.sides():
        rx, rz, cx, cz = figure.leg(y, side)
        ankle = 0.004 * h * (y < 0.06)
        creases = 1 + (folds(y[:, None], circle(18), 1.0, seed + side) - 1) * strength[:, None]
        mesh.loft(
            Rings(y * h, rx + wide * h, rz + wide * h + ankle, cx, cz, 2.1),
            Page.BOTTOM,
            figure.bind_leg(leg),
            sides=18,
            v=np.interp(y, [0.0, 0.60], [1.0, 0.0]),
            bulge=creases,
        )


def add_skirt(mesh: MeshBuilder, figure: Figure, skirt: Skirt, over: float) -> None:
    h = figure.height
    y = np.linspace(skirt.hem, 0.60, 16)
    half, depth, centre = figure.torso(np.maximum(y, 0.51))
    thigh, _, middle, _ = figure.leg(np.clip(y, 0.47, 0.50), 1)
    half = np.maximum(half, (thigh + middle) * (1 - smoothstep(y, 0.50, 0.56)))
    drop = np.clip((0.56 - y) / 0.2, 0, 2)
    away = (0.004 + over) * h + skirt.flare * drop * h
    pleats = 0.6 * skirt.flare * np.sin(skirt.folds * circle(36)) * drop[:, None]
    low = y < 0.5
    thigh_room = np.where(low, 0.012 * h, 0)
    binding = _bind_hanging_torso(figure, 0.0)
    mesh.loft(
        Rings(y * h, half + away, depth + 0.9 * away + thigh_room, 0, centre),
        Page.SKIRT,
        binding,
        sides=36,
        bulge=1 + pleats,
        cap=False,
    )


def add_shoes(mesh: MeshBuilder, figure: Figure, shoes: Shoes) -> None:
    """Upper, tongue and sole; boots add a shaft."""
    h = figure.height
    z = np.array([-0.042, -0.039, -0.028, -0.010, 0.012, 0.035, 0.060, 0.082, 0.096, 0.103]) * h
    half = np.array([0.008, 0.016, 0.0205, 0.022, 0.023, 0.0255, 0.0275, 0.026, 0.019, 0.009])
    top = np.array([0.030, 0.041, 0.046, 0.048, 0.043, 0.034, 0.0265, 0.022, 0.018, 0.012])
    sole_half = half * 1.07 + 0.0008
    lift = shoes.heel * np.clip((0.03 - z / h) / 0.06, 0, 1)
    thick = (0.012 if shoes.sporty else 0.008) + lift
    for side, _, leg in figure.sides():
        x = side * (figure.hip + 0.003 * h)
        foot = rigid(leg + 2)
        upper = Rings(
            z, half * shoes.width * h, top * 0.5 * h, x, (top * 0.5 + 0.4 * lift) * h, 2.3
        )
        mesh.loft(upper, Page.SHOE, foot, sides=16, axis="z", v=np.linspace(0.02, 0.70, 10))
        sole = Rings(z, sole_half * shoes.width * h, 0.5 * thick * h, x, 0.5 * thick * h, 4.0)
        mesh.loft(sole, Page.SHOE, foot, sides=16, axis="z", v=np.full(10, 0.92))
        if shoes.shaft:
            y = np.linspace(0.03, 0.05 + shoes.shaft, 8)
            rx, rz, cx, cz = figure.leg(y, side)
            away = np.interp(y, [0.03, 0.08, 0.25], [0.007, 0.008, 0.006]) * h
            mesh.loft(
                Rings(y * h, rx + away, rz + away, cx, cz),
                Page.SHOE,
                figure.bind_leg(leg),
                sides=16,
                v=np.linspace(0.30, 0.05, 8),
                cap=False,
            )


def add_scarf(mesh: MeshBuilder, figure: Figure, thickness: float) -> None:
    """A scarf wound around the neck."""
    h = figure.height
    y = np.linspace(0.828, 0.872, 7)
    t = np.linspace(0, 1, 7)
    puff = 0.020 * np.sqrt(np.sin(np.pi * np.clip(t, 0.05, 0.95)))
    half, depth, centre = figure.torso(np.full(7, 0.862))
    away = (puff + 0.5 * thickness) * h
    creases = folds(y[:, None], circle(24), 0.05, 3)
    mesh.loft(
        Rings(y * h, half + away + 0.008 * h, depth + away + 0.004 * h, 0, centre),
        Page.SCARF,
        figure.bind_torso(),
        sides=24,
        bulge=creases,
        cap=False,
    )


def add_load(mesh: MeshBuilder, figure: Figure, load: Load, thickness: float) -> None:
    """Backpack and bags; straps are painted on the clothes."""
    h = figure.height
    if load.pack:
        _add_pack(mesh, figure, load, thickness)
    side, size = load.bag_side, load.bag_size
    hand = Joint.HAND_L if side > 0 else Joint.HAND_R
    x_hand = side * (figure.shoulder + 0.021 * h)
    half, _, _ = figure.torso(np.array([0.52]))
    x_hip = side * (half[0] + (0.022 + thickness) * h)
    box = np.array([0.88, 0.97, 1, 1, 0.98, 0.9])
    if load.bag == Bag.HAND:
        y = np.linspace(0.395 - size * 1.15, 0.39, 6)
        rings = Rings(y * h, 0.020 * box * h, 0.078 * box * h, x_hand, 0, 4.5)
        mesh.loft(rings, Page.BAG, rigid(hand), sides=18)
        for z in (-0.03, 0.03):
            mesh.box(
                ((x_hand - 0.004 * h), 0.385 * h, (z - 0.004) * h),
                ((x_hand + 0.004 * h), 0.435 * h, (z + 0.004) * h),
                Page.METAL,
                rigid(hand),
            )
    elif load.bag in (Bag.SHOULDER, Bag.TOTE):
        low, tall = (0.43, size) if load.bag == Bag.SHOULDER else (0.50, size * 1.4)
        y = np.linspace(low, low + tall, 6)
        rings = Rings(y * h, 0.024 * box * h, 0.08 * box * h, x_hip, -0.01 * h, 4.5)
        mesh.loft(rings, Page.BAG, rigid(Joint.PELVIS), sides=18)
    elif load.bag == Bag.WAIST:
        y = np.linspace(0.55, 0.60, 6)
        _, depth, centre = figure.torso(np.array([0.575]))
        front = centre[0] + depth[0] + (0.012 + thickness) * h
        rings = Rings(y * h, 0.055 * box * h, 0.022 * box * h, 0, front, 3.5)
        mesh.loft(rings, Page.BAG, rigid(Joint.SPINE), sides=18)


def _add_pack(mesh: MeshBuilder, figure: Figure, load: Load, thickness: float) -> None:
    h = figure.height
    y = np.linspace(0.585 + 0.03 * (1 - load.pack), 0.815, 12)
    t = (y - y[0]) / (y[-1] - y[0])
    k = np.clip(1 - np.abs(2 * t - 1) ** 5, 0.04, 1) ** 0.4
    depth = 0.044 * load.pack * np.interp(t, [0, 0.35, 1], [1.0, 1.1, 0.75])
    _, half, centre = figure.torso(np.array([0.70]))
    back = centre[0] - half[0] - thickness * h
    rings = Rings(
        y * h, 0.080 * k * load.pack_width * h, depth * k * h, 0, back - depth * 0.8 * h, 3.6
    )
    mesh.loft(rings, Page.PACK, rigid(Joint.CHEST), sides=24, v=1 - t)
    pocket = np.linspace(0.60, 0.69, 6)
    kp = np.array([0.6, 0.95, 1, 1, 0.95, 0.6])
    z = back - 0.085 * load.pack * h
    rings = Rings(pocket * h, 0.055 * kp * load.pack_width * h, 0.016 * kp * h, 0, z, 4.0)
    mesh.loft(rings, Page.PACK, rigid(Joint.CHEST), sides=16, v=np.linspace(0.95, 0.62, 6))
