"""Who walks where in one tracklet: paths that a camera sees, hidden for a while if asked for."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.synthetic.gait import JOINTS, PARENTS, Mode, pose, skin
from model.synthetic.person import Person
from model.synthetic.places import Place
from model.synthetic.scene import HALF
from model.synthetic.seeding import chance, pick

Floats = NDArray[np.float32]
Rng = np.random.Generator
CANDIDATES = 96
PEDAL = 0.08
"""Height of the lower pedal, a fraction of stature."""


@dataclass(frozen=True)
class Path:
    """A gently curved walk; heading 0 is +z, metres and seconds.

    `pace` compares with the person's usual walk: 0 stands, .5 strolls, 1.5 hurries.
    """

    x: float
    z: float
    heading: float
    speed: float
    curve: float
    pace: float

    def at(self, time: float) -> tuple[float, float, float]:
        """x, z and heading at that time."""
        middle = self.heading + 0.5 * self.curve * time
        way = self.speed * time
        return (
            self.x + math.sin(middle) * way,
            self.z + math.cos(middle) * way,
            self.heading + self.curve * time,
        )


class Actor:
    """A person on a path, whose skinned points can be asked for at any time."""

    def __init__(self, person: Person, path: Path, phase: float) -> None:
        self.person, self.path, self._phase = person, path, phase
        self._gait = person.gait.as_vector(path.pace)
        self._lift = PEDAL * person.stature if person.gait.mode == Mode.RIDE else 0.0
        self._angles = np.zeros((JOINTS, 3), np.float32)
        self._local = np.zeros((3, 3), np.float32)
        self._rotations = np.zeros((JOINTS, 3, 3), np.float32)
        self._origins = np.zeros((JOINTS, 3), np.float32)

    def points(self, time: float, out: Floats) -> None:
        """Skinned vertices in the world, into `out` [V, 3]."""
        person, gait = self.person, self.person.gait
        cadence = gait.cadence * (0.12 + 0.88 * self.path.pace**0.5)
        phase = self._phase + 2 * math.pi * cadence * time
        pose(
            person.joints, PARENTS, self._gait, phase, int(gait.mode), self._angles, self._local,
            self._rotations, self._origins,
        )  # fmt: skip
        mesh = person.mesh
        skin(
            mesh.positions, mesh.bones, mesh.weights, person.joints, self._rotations,
            self._origins, np.array((*self.path.at(time), self._lift), np.float32), out,
        )  # fmt: skip


def sample_pace(rng: Rng) -> float:
    """Most people walk, some stroll or hurry, a few stand and wait."""
    usual = float(np.clip(rng.normal(1, 0.08), 0.75, 1.25))
    return {0: 0.0, 1: 0.5, 2: usual, 3: 1.45}[pick(rng, {0: 0.07, 1: 0.09, 2: 0.81, 3: 0.03})]


def walking_speed(person: Person, rng: Rng) -> float:
    if person.gait.mode == Mode.RIDE:
        return float(rng.uniform(1.8, 3.2))
    stride = 1.35 * person.gait.cadence / 0.95 * person.gait.hip / 22.5
    return stride * person.stature / 1.75 * float(rng.uniform(0.85, 1.1))


def target_path(rng: Rng, place: Place, person: Person, seconds: float, hidden: bool) -> Path:
    """A path in view for the whole time; with `hidden`, one that passes behind something."""
    pace = sample_pace(rng)
    speed = walking_speed(person, rng) * pace
    n = CANDIDATES
    start = rng.uniform(-10, 10, (n, 2))
    heading = rng.uniform(0, 2 * math.pi, n)
    times = np.linspace(0, seconds, 9)
    x = start[:, :1] + np.sin(heading)[:, None] * speed * times
    z = start[:, 1:] + np.cos(heading)[:, None] * speed * times
    seen, cover = _sight(place, x, z, person.stature)
    blocked = _blocked(place, x, z)
    share = (cover > 0.7).mean(1)
    # Hidden for about a third of the time, never for most of it.
    wish = np.abs(share - 0.33) if hidden else share
    cost = (1 - seen.mean(1)) * 20 + blocked * 4 + wish * 3 + (share > 0.6) * 4
    best = int(np.argmin(cost + rng.uniform(0, 0.4, n)))
    curve = float(rng.normal(0, 0.05 if pace else 0.25))
    return Path(
        float(start[best, 0]), float(start[best, 1]), float(heading[best]), speed, curve, pace
    )


def _sight(
    place: Place, x: NDArray[np.float64], z: NDArray[np.float64], stature: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether a person at (x, z) [N, T] fills a fair part of the picture, and how much of the
    body the static scene covers."""
    pose_, depth = place.camera.pose, place.view.depth
    height, width = depth.shape
    levels = stature * np.array([0.02, 0.25, 0.5, 0.75, 0.97])
    dx, dz = x[..., None] - pose_[0], z[..., None] - pose_[2]
    dy = levels - pose_[1]
    away = np.maximum(pose_[9] * dx + pose_[10] * dy + pose_[11] * dz, 0.2)
    u = pose_[12] * (pose_[3] * dx + pose_[4] * dy + pose_[5] * dz) / away + pose_[13]
    v = pose_[14] - pose_[12] * (pose_[6] * dx + pose_[7] * dy + pose_[8] * dz) / away
    tall = v[..., 0] - v[..., -1]
    fits = (tall > 0.17 * height) & (tall < 0.92 * height) & (away[..., 0] > 2)
    margin = 0.10 * tall
    inside = (u.min(-1) > 0.04 * width) & (u.max(-1) < 0.96 * width)
    inside &= (v[..., -1] > -margin) & (v[..., 0] < height + margin)
    column = np.clip(u, 0, width - 1).astype(int)
    row = np.clip(v, 0, height - 1).astype(int)
    cover = (depth[row, column].astype(np.float32) < away - 0.35).mean(-1)
    return fits & inside, cover


def _blocked(place: Place, x: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each path [N] that runs through something solid."""
    solid = place.scene.obstacles
    walls = (np.abs(x) > HALF) | (np.abs(z) > HALF)
    if not len(solid):
        return np.asarray(walls.mean(1))
    gap = np.hypot(x[..., None] - solid[:, 0], z[..., None] - solid[:, 1]) - solid[:, 2]
    return np.asarray(((gap.min(-1) < 0.3) | walls).mean(1))


def passer_path(
    rng: Rng, place: Place, target: Path, person: Person, seconds: float, cross: bool
) -> Path:
    """Another person near the target: along with it, or across; `cross` passes in front."""
    pace = sample_pace(rng)
    speed = walking_speed(person, rng) * pace
    moment = seconds * float(rng.uniform(0.2, 0.8))
    x, z, heading = target.at(moment)
    toward = np.array([place.camera.pose[0] - x, place.camera.pose[2] - z])
    toward /= np.linalg.norm(toward) + 1e-6
    if cross:
        near = float(rng.uniform(0.45, 0.9))
        offset = toward * near + rng.normal(0, 0.08, 2)
        # Nearly the same course keeps the two in line for several frames.
        turn = heading + float(rng.normal(0, 0.35)) + (math.pi if chance(rng, 0.25) else 0.0)
    else:
        offset = rng.normal(0, 0.9, 2) + toward * float(rng.uniform(-0.6, 1.1))
        along = chance(rng, 0.4)
        turn = heading + float(rng.normal(0, 0.15)) if along else float(rng.uniform(0, 2 * math.pi))
        if along:
            speed, pace = target.speed, target.pace
            if abs(float(np.linalg.norm(offset))) < 0.5:
                offset = offset / (np.linalg.norm(offset) + 1e-6) * 0.6
    at = np.array([x, z]) + offset
    return Path(
        float(at[0] - math.sin(turn) * speed * moment),
        float(at[1] - math.cos(turn) * speed * moment),
        turn,
        speed,
        0.0,
        pace,
    )
