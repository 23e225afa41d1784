"""How people move: the skeleton, walking and other modes, and skinning.

Angles are degrees in `Gait` and radians in the kernels. The phase runs over one stride (two steps).
"""

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Joint(IntEnum):
    PELVIS = 0
    SPINE = 1
    CHEST = 2
    NECK = 3
    HEAD = 4
    ARM_L = 5
    ELBOW_L = 6
    HAND_L = 7
    ARM_R = 8
    ELBOW_R = 9
    HAND_R = 10
    LEG_L = 11
    KNEE_L = 12
    FOOT_L = 13
    LEG_R = 14
    KNEE_R = 15
    FOOT_R = 16
    GROUND = 17


JOINTS = len(Joint)
PARENTS = np.array([-1, 0, 1, 2, 3, 2, 5, 6, 2, 8, 9, 0, 11, 12, 0, 14, 15, -1], np.int32)


class Mode(IntEnum):
    """What the arms do."""

    SWING = 0
    PHONE_LEFT = 1
    PHONE_RIGHT = 2
    POCKETS = 3
    LOAD_LEFT = 4
    LOAD_RIGHT = 5
    CARRY_FRONT = 6
    PUSH_LEFT = 7
    PUSH_RIGHT = 8
    STRAP = 9
    RIDE = 10


# Where `Gait.as_vector` has its amplitudes.
(
    _HIP, _KNEE, _ARM, _ELBOW, _LEAN, _PELVIS, _SWAY, _TOE_OUT, _NOD, _WIDTH, _ARM_SPREAD, _HUNCH,
) = range(12)  # fmt: skip


@dataclass(frozen=True)
class Gait:
    """One person's way of walking; amplitudes in degrees."""

    hip: float
    knee: float
    arm: float
    elbow: float
    lean: float
    pelvis: float
    sway: float
    toe_out: float
    nod: float
    width: float
    arm_spread: float
    hunch: float
    cadence: float
    """strides per second"""
    mode: Mode

    def as_vector(self, pace: float) -> Floats:
        """Amplitudes [12] for the kernels; a `pace` of 1 is the usual walk, 0 stands."""
        vector = np.array(
            [
                self.hip,
                self.knee,
                self.arm,
                self.elbow,
                self.lean,
                self.pelvis,
                self.sway,
                self.toe_out,
                self.nod,
                self.width,
                self.arm_spread,
                self.hunch,
            ],
            np.float32,
        )
        # Legs and arms swing as far as the pace asks for; who stands shifts a little.
        vector[[_HIP, _KNEE, _ARM, _ELBOW]] *= 0.06 + 0.94 * pace
        vector[_PELVIS] *= pace
        return vector


@njit(cache=True, fastmath=True)
def _rotate(ax: float, ay: float, az: float, out: Floats) -> None:
    """Ry @ Rx @ Rz into `out` [3, 3]."""
    cx, sx = math.cos(ax), math.sin(ax)
    cy, sy = math.cos(ay), math.sin(ay)
    cz, sz = math.cos(az), math.sin(az)
    out[0, 0] = cy * cz + sy * sx * sz
    out[0, 1] = -cy * sz + sy * sx * cz
    out[0, 2] = sy * cx
    out[1, 0] = cx * sz
    out[1, 1] = cx * cz
    out[1, 2] = -sx
    out[2, 0] = -sy * cz + cy * sx * sz
    out[2, 1] = sy * sz + cy * sx * cz
    out[2, 2] = cy * cx


@njit(cache=True, fastmath=True)
def _leg_angles(
    angles: Floats, gait: Floats, phase: float, side: float, joint: int, mode: int
) -> None:
    rad = math.pi / 180
    if mode == Mode.RIDE:
        turn = math.sin(phase)
        angles[joint, 0] = -(58 + 22 * turn) * rad
        angles[joint + 1, 0] = (68 + 34 * turn) * rad
        return
    angles[joint, 0] = -(gait[_HIP] * math.sin(phase) + 0.22 * gait[_HIP]) * rad
    angles[joint, 1] = side * gait[_TOE_OUT] * rad
    angles[joint, 2] = side * gait[_WIDTH] * rad
    swing = max(0.0, math.cos(phase + 0.25))
    load = max(0.0, math.cos(phase - math.pi / 2 - 0.45))
    angles[joint + 1, 0] = (4 + gait[_KNEE] * swing**1.4 + 9 * load * load) * rad
    push = max(0.0, math.cos(phase + math.pi * 0.62))
    angles[joint + 2, 0] = (-3 + 15 * push * push - 7 * swing) * rad


@njit(cache=True, fastmath=True)
def _arm_angles(
    angles: Floats, gait: Floats, phase: float, side: float, joint: int, mode: int
) -> None:
    rad = math.pi / 180
    swing = -math.sin(phase)
    left = side > 0
    angles[joint, 0] = -(gait[_ARM] * swing + 2) * rad
    angles[joint, 2] = side * gait[_ARM_SPREAD] * rad
    angles[joint + 1, 0] = -(gait[_ELBOW] * (1 + 0.35 * swing)) * rad
    if (mode == Mode.PHONE_LEFT and left) or (mode == Mode.PHONE_RIGHT and not left):
        angles[joint, 0] = -30 * rad
        angles[joint + 1, 0] = -(104 + 2 * swing) * rad
        angles[joint + 1, 1] = -side * 24 * rad
    elif mode == Mode.POCKETS:
        angles[joint, 0] = (10 + 2 * swing) * rad
        angles[joint + 1, 0] = -42 * rad
        angles[joint, 2] = side * 15 * rad
        angles[joint + 1, 2] = -side * 22 * rad
    elif (mode == Mode.LOAD_LEFT and left) or (mode == Mode.LOAD_RIGHT and not left):
        angles[joint, 0] = -4 * swing * rad
        angles[joint + 1, 0] = -6 * rad
    elif mode == Mode.CARRY_FRONT:
        angles[joint, 0] = -22 * rad
        angles[joint + 1, 0] = -78 * rad
        angles[joint + 1, 1] = -side * 28 * rad
    elif mode == Mode.PUSH_LEFT or mode == Mode.PUSH_RIGHT:
        near = (mode == Mode.PUSH_LEFT) == left
        angles[joint, 0] = -(34 if near else 42) * rad
        angles[joint, 1] = (0 if near else -side * 40) * rad
        angles[joint, 2] = side * (12 if near else -4) * rad
        angles[joint + 1, 0] = -(26 if near else 34) * rad
    elif mode == Mode.RIDE:
        angles[joint, 0] = -52 * rad
        angles[joint, 2] = side * 10 * rad
        angles[joint + 1, 0] = -26 * rad
    elif mode == Mode.STRAP and left:
        angles[joint, 0] = -14 * rad
        angles[joint, 2] = 20 * rad
        angles[joint + 1, 0] = -128 * rad
        angles[joint + 1, 1] = -20 * rad


@njit(cache=True, fastmath=True)
def pose(
    joints: Floats,
    parents: NDArray[np.int32],
    gait: Floats,
    phase: float,
    mode: int,
    angles: Floats,
    local: Floats,
    rotations: Floats,
    origins: Floats,
) -> None:
    """Joint rotations [J, 3, 3] and origins [J, 3] at `phase`, from rest `joints` [J, 3].

    `angles` [J, 3] and `local` [3, 3] are scratch.
    """
    rad = math.pi / 180
    angles[:] = 0
    s, c = math.sin(phase), math.cos(phase)
    angles[Joint.PELVIS, 0] = gait[_LEAN] * 0.3 * rad
    angles[Joint.PELVIS, 1] = -gait[_PELVIS] * s * rad
    angles[Joint.PELVIS, 2] = gait[_SWAY] * c * rad
    angles[Joint.SPINE, 0] = gait[_LEAN] * 0.4 * rad
    angles[Joint.CHEST, 0] = (gait[_LEAN] * 0.3 + gait[_HUNCH]) * rad
    angles[Joint.CHEST, 1] = 1.7 * gait[_PELVIS] * s * rad
    angles[Joint.CHEST, 2] = -gait[_SWAY] * c * rad
    angles[Joint.NECK, 0] = gait[_HUNCH] * 0.5 * rad
    angles[Joint.HEAD, 0] = (gait[_NOD] - gait[_LEAN] * 0.7 - gait[_HUNCH] * 1.2) * rad
    angles[Joint.HEAD, 1] = -0.7 * gait[_PELVIS] * s * rad
    if mode == Mode.PHONE_LEFT or mode == Mode.PHONE_RIGHT:
        angles[Joint.HEAD, 0] += 16 * rad
    elif mode == Mode.RIDE:
        angles[Joint.SPINE, 0] += 8 * rad
        angles[Joint.CHEST, 0] += 10 * rad
        angles[Joint.HEAD, 0] -= 14 * rad
    for k in range(2):
        side = 1.0 - 2.0 * k
        _leg_angles(angles, gait, phase + k * math.pi, side, Joint.LEG_L + 3 * k, mode)
        _arm_angles(angles, gait, phase + k * math.pi, side, Joint.ARM_L + 3 * k, mode)
    for j in range(joints.shape[0]):
        _rotate(angles[j, 0], angles[j, 1], angles[j, 2], local)
        parent = parents[j]
        if parent < 0:
            rotations[j] = local
            origins[j] = joints[j]
            continue
        for a in range(3):
            origins[j, a] = origins[parent, a]
            for b in range(3):
                origins[j, a] += rotations[parent, a, b] * (joints[j, b] - joints[parent, b])
                rotations[j, a, b] = (
                    rotations[parent, a, 0] * local[0, b]
                    + rotations[parent, a, 1] * local[1, b]
                    + rotations[parent, a, 2] * local[2, b]
                )


@njit(cache=True, fastmath=True)
def skin(
    positions: Floats,
    bones: NDArray[np.int32],
    weights: Floats,
    joints: Floats,
    rotations: Floats,
    origins: Floats,
    place: Floats,
    out: Floats,
) -> None:
    """Linear-blend skinning into world space, `out` [V, 3].

    `place` is (x, z, heading, lift); the lowest vertex is `lift` above the ground (y = 0).
    """
    lowest = np.float32(1e9)
    for i in range(positions.shape[0]):
        x = y = z = np.float32(0)
        for k in range(2):
            j = bones[i, k]
            weight = weights[i] if k == 1 else 1 - weights[i]
            if weight <= 0:
                continue
            dx = positions[i, 0] - joints[j, 0]
            dy = positions[i, 1] - joints[j, 1]
            dz = positions[i, 2] - joints[j, 2]
            r = rotations[j]
            x += weight * (origins[j, 0] + r[0, 0] * dx + r[0, 1] * dy + r[0, 2] * dz)
            y += weight * (origins[j, 1] + r[1, 0] * dx + r[1, 1] * dy + r[1, 2] * dz)
            z += weight * (origins[j, 2] + r[2, 0] * dx + r[2, 1] * dy + r[2, 2] * dz)
        out[i, 0], out[i, 1], out[i, 2] = x, y, z
        if bones[i, 0] != Joint.GROUND:
            lowest = min(lowest, y)
    c, s = math.cos(place[2]), math.sin(place[2])
    for i in range(positions.shape[0]):
        x, z = out[i, 0], out[i, 2]
        out[i, 0] = c * x + s * z + place[0]
        out[i, 2] = -s * x + c * z + place[1]
        if bones[i, 0] != Joint.GROUND:
            out[i, 1] += place[3] - lowest


@njit(cache=True, fastmath=True)
def vertex_normals(
    points: Floats, triangles: NDArray[np.int32], twins: NDArray[np.int32], out: Floats
) -> None:
    """Area-weighted unit normals [V, 3]; the two sides of a seam share theirs."""
    out[:] = 0
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ux = points[b, 0] - points[a, 0]
        uy = points[b, 1] - points[a, 1]
        uz = points[b, 2] - points[a, 2]
        vx = points[c, 0] - points[a, 0]
        vy = points[c, 1] - points[a, 1]
        vz = points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in range(3):
            i = twins[triangles[k, corner]]
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(points.shape[0]):
        t = twins[i]
        if t != i:
            continue
        length = math.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2) + 1e-12
        for a in range(3):
            out[i, a] /= length
    for i in range(points.shape[0]):
        t = twins[i]
        if t != i:
            for a in range(3):
                out[i, a] = out[t, a]
