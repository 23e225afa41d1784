"""What people push, pull or ride: bicycles and suitcases, which roll on the ground."""

import numpy as np

from model.synthetic.anatomy import Figure
from model.synthetic.gait import Joint
from model.synthetic.mesh import Array, MeshBuilder, rigid
from model.synthetic.outfit import Load, Wheels
from model.synthetic.pages import Page

_WHEEL = 0.335
"""Radius of a bicycle's wheel, metres."""
_FRAME = (
    ("back", "seat"),
    ("back", "pedal"),
    ("pedal", "seat"),
    ("seat", "head"),
    ("pedal", "head"),
    ("head", "front"),
)


def add_wheels(mesh: MeshBuilder, figure: Figure, load: Load) -> None:
    """Attach what rolls to the ground under the person, at the side of the bag."""
    if load.wheels == Wheels.BICYCLE:
        _add_bicycle(mesh, figure, load.bag_side * (figure.shoulder + 0.20), 0.03)
    elif load.wheels == Wheels.RIDDEN:
        _add_bicycle(mesh, figure, 0.0, 0.10)
    elif load.wheels == Wheels.SUITCASE:
        _add_suitcase(mesh, figure, load.bag_side, load.bag_size)


def _circle(x: float, z: float, radius: float) -> Array:
    turn = np.linspace(0, 2 * np.pi, 19)
    return np.stack([np.full(19, x), radius + radius * np.sin(turn), z + radius * np.cos(turn)], 1)


def _add_bicycle(mesh: MeshBuilder, figure: Figure, x: float, shift: float) -> None:
    """A bicycle whose saddle is at (x, shift), sized to the person."""
    ground, k = rigid(Joint.GROUND), figure.height / 1.74
    back, front, radius = shift - 0.38 * k, shift + 0.66 * k, _WHEEL * k
    for z in (back, front):
        mesh.tube(_circle(x, z, radius), 0.022, Page.METAL, ground)
        for turn in (0.3, 1.35, 2.4):
            reach = 0.95 * radius * np.array([np.sin(turn), np.cos(turn)])
            spoke = np.array([[x, radius + s * reach[0], z + s * reach[1]] for s in (-1, 1)])
            mesh.tube(spoke, 0.004, Page.METAL, ground)
    nodes = {
        "back": (radius / k, -0.38),
        "front": (radius / k, 0.66),
        "seat": (0.86, -0.08),
        "head": (0.88, 0.50),
        "pedal": (0.30, 0.08),
    }
    points = {name: (x, y * k, shift + z * k) for name, (y, z) in nodes.items()}
    for start, stop in _FRAME:
        mesh.tube(np.array([points[start], points[stop]]), 0.020, Page.BAG, ground)
    saddle = shift - 0.10 * k
    mesh.box(
        (x - 0.06, 0.86 * k, saddle - 0.12), (x + 0.06, 0.92 * k, saddle + 0.13), Page.METAL, ground
    )
    bar = np.array([(-0.28, 1.0, 0.40), (-0.1, 1.02, 0.52), (0, 0.95, 0.52), (0.1, 1.02, 0.52),
                    (0.28, 1.0, 0.40)]) * k  # fmt: skip
    mesh.tube(bar + np.array([x, 0, shift]), 0.014, Page.METAL, ground)
    if figure.body.woman > 0.5:
        low, high = (x - 0.16, 0.78 * k, shift + 0.58 * k), (x + 0.16, k, shift + 0.84 * k)
        mesh.box(low, high, Page.BAG, ground)


def _add_suitcase(mesh: MeshBuilder, figure: Figure, side: int, size: float) -> None:
    ground = rigid(Joint.GROUND)
    x, z = side * (figure.shoulder + 0.05), -0.48
    wide, tall, deep = 0.11 + 0.5 * size, 0.36 + 1.7 * size, 0.07 + 0.4 * size
    mesh.box((x - wide, 0.07, z - deep), (x + wide, 0.07 + tall, z + deep), Page.BAG, ground)
    grip = 0.48 * figure.height
    for offset in (-0.06, 0.06):
        handle = np.array([(x + offset, 0.06 + tall, z), (x + offset, grip, z + 0.34)])
        mesh.tube(handle, 0.009, Page.METAL, ground)
    mesh.tube(
        np.array([(x - 0.06, grip, z + 0.34), (x + 0.06, grip, z + 0.34)]),
        0.014,
        Page.METAL,
        ground,
    )
    for offset in (-0.8, 0.8):
        mesh.box(
            (x + offset * wide - 0.02, 0.0, z - 0.04),
            (x + offset * wide + 0.02, 0.07, z + 0.04),
            Page.METAL,
            ground,
        )
