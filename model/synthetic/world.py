"""Renders one tracklet of a world: the cast, its visibility, the frames, the developed pictures."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.synthetic import raster
from model.synthetic.camera import develop
from model.synthetic.config import WorldConfig
from model.synthetic.gait import vertex_normals
from model.synthetic.kinds import kind_spec
from model.synthetic.noise import wrinkle_relief
from model.synthetic.person import Person, changed, make_person
from model.synthetic.places import Place, Places
from model.synthetic.plan import Plan, TrackletPlan, family_of, make_plan, season_of
from model.synthetic.seeding import Stream, chance, pick, stream
from model.synthetic.staging import Actor, passer_path, target_path
from model.synthetic.tracker import BoxWalk, sample_jumps, stray_box

Floats = NDArray[np.float32]
Rng = np.random.Generator
MASK_ROWS, MASK_COLUMNS = 16, 8
REACH = 1.3
"""Half side of a person's shadow map, metres."""
SHADOW = 96
ATTEMPTS = 5
CIRCLE = 24
"""People of one place who may pass through each other's tracklets."""
_SILHOUETTE = (64, 32)
_RELIEF = wrinkle_relief()


@dataclass(frozen=True)
class RenderedTracklet:
    """One tracklet: L frames of H by W pixels."""

    index: int
    plan: TrackletPlan
    frames: NDArray[np.uint8]
    """[L, H, W, 3] RGB"""
    boxes: Floats
    """[L, 4] x0, y0, x1, y1 in the camera's image"""
    visible: Floats
    """[L] share of the person's silhouette that is unhidden and inside the box"""
    masks: NDArray[np.uint8]
    """[L, 16] 16 rows of 8 bits: where the frame shows the person"""
    jumps: NDArray[np.bool_]
    """[L] frames in which the tracker was on something else"""


@dataclass
class _Cast:
    """Actors with what a frame needs of each; the target is the first."""

    actors: list[Actor]
    points: list[Floats]
    projected: list[Floats]
    bounds: list[Floats]
    """[4] of the person alone"""
    extents: list[Floats]
    """[5] with what they push, and the least depth"""
    normals: list[Floats]

    @classmethod
    def of(cls, actors: list[Actor]) -> "_Cast":
        sizes = [len(actor.person.mesh.positions) for actor in actors]

        def arrays() -> list[Floats]:
            return [np.zeros((size, 3), np.float32) for size in sizes]

        bounds = [np.zeros(4, np.float32) for _ in actors]
        extents = [np.zeros(5, np.float32) for _ in actors]
        return cls(actors, arrays(), arrays(), bounds, extents, arrays())

    def move(self, time: float, pose: Floats) -> None:
        for k, actor in enumerate(self.actors):
            actor.points(time, self.points[k])
            body = actor.person.mesh.body_vertices
            raster.project(
                self.points[k], pose, self.projected[k], body, self.bounds[k], self.extents[k]
            )


@dataclass(frozen=True)
class _Rehearsal:
    """A staged tracklet whose boxes and visibility are known, before any shading."""

    cast: _Cast
    times: NDArray[np.float64]
    boxes: Floats
    visible: Floats
    jumps: NDArray[np.bool_]


def render_tracklet(
    config: WorldConfig, index: int, places: Places | None = None
) -> RenderedTracklet:
    """Tracklet `index` of the world, in memory; equal to what its shard stores before JPEG.

    `places` keeps views between calls; without it a small cache of this process is used.
    """
    cv2.setNumThreads(1)
    plan = make_plan(config)
    entry = plan.tracklets[index]
    place = (places or _default_places(config)).place(entry)
    rng = stream(config.root_seed, Stream.TRACKLET, index)
    rehearsal = _stage(config, plan, entry, place, rng)
    frames, masks = [], []
    exposure = place.exposure * float(np.exp(rng.normal(0, 0.08)))
    for k, time in enumerate(rehearsal.times):
        image, mask = _render_frame(config, place, rehearsal.cast, float(time), rehearsal.boxes[k])
        native = int(rehearsal.boxes[k, 3] - rehearsal.boxes[k, 1])
        size = (config.frame_height, config.frame_width)
        box = rehearsal.boxes[k]
        frames.append(develop(place.camera, image, place.light, exposure, box, native, size, rng))
        masks.append(mask)
    return RenderedTracklet(
        index,
        replace(entry, night=place.light.night),
        np.stack(frames),
        rehearsal.boxes,
        rehearsal.visible,
        np.stack(masks),
        rehearsal.jumps,
    )


@lru_cache(maxsize=2)
def _default_places(config: WorldConfig) -> Places:
    return Places(config)


def _stage(
    config: WorldConfig, plan: Plan, entry: TrackletPlan, place: Place, rng: Rng
) -> _Rehearsal:
    """Stage until the person is visible enough on average; keep the best otherwise."""
    person = _person(config, plan, entry.identity)
    if entry.outfit_changes:
        person = changed(person)
    best: _Rehearsal | None = None
    for _ in range(ATTEMPTS):
        rehearsal = _rehearse(config, plan, entry, place, person, rng)
        if best is None or rehearsal.visible.mean() > best.visible.mean():
            best = rehearsal
        if best.visible.mean() >= config.min_mean_visible and best.visible.max() > 0.6:
            break
    assert best is not None
    return best


def _person(config: WorldConfig, plan: Plan, identity: int) -> Person:
    season = season_of(config, int(plan.homes[identity]))
    return make_person(config, identity, family_of(plan.families, identity), season)


def _others(config: WorldConfig, plan: Plan, entry: TrackletPlan, rng: Rng) -> list[Person]:
    """People who are near: from the same place, sometimes a lookalike."""
    count = pick(rng, dict(enumerate(config.distractors)))
    around = _neighbours(plan, entry)
    family = np.flatnonzero(plan.families == entry.family)
    others = []
    for _ in range(count):
        alike = len(family) > 1 and chance(rng, 0.3)
        pool = family if alike else around
        pool = pool[pool != entry.identity]
        if len(pool):
            others.append(_person(config, plan, int(rng.choice(pool))))
    return others


def _neighbours(plan: Plan, entry: TrackletPlan) -> NDArray[np.intp]:
    """A few people at home in the place, always the same around one person.

    Out of a small circle, because every worker has to build whoever it shows.
    """
    around = np.flatnonzero(plan.homes == entry.environment)
    if int(plan.homes[entry.identity]) != entry.environment:
        return around[:CIRCLE]
    start = int(np.searchsorted(around, entry.identity)) // CIRCLE * CIRCLE
    return around[start : start + CIRCLE]


def _rehearse(
    config: WorldConfig, plan: Plan, entry: TrackletPlan, place: Place, person: Person, rng: Rng
) -> _Rehearsal:
    n = config.frames_per_tracklet
    seconds = float(rng.uniform(2.0, 5.0))
    times = np.linspace(0, seconds, n)
    hidden = chance(rng, config.hidden_rate * config.difficulty)
    path = target_path(rng, place, person, seconds, hidden and chance(rng, 0.6))
    actors = [Actor(person, path, float(rng.uniform(0, 6.28)))]
    for other in _others(config, plan, entry, rng):
        cross = hidden and len(actors) == 1
        way = passer_path(rng, place, path, other, seconds, cross)
        actors.append(Actor(other, way, float(rng.uniform(0, 6.28))))
    cast = _Cast.of(actors)
    walk = BoxWalk(rng, kind_spec(config.kind).boxes, n, config.difficulty)
    jumps = sample_jumps(rng, n, config.jump_rate * config.difficulty)
    boxes, visible = np.zeros((n, 4), np.float32), np.zeros(n, np.float32)
    size = (config.view_height, config.view_width)
    for k, time in enumerate(times):
        cast.move(float(time), place.camera.pose)
        boxes[k] = walk.next(cast.bounds[0], size)
        if jumps[k]:
            boxes[k] = _jump(rng, cast, size)
        visible[k] = _visible(place, cast, boxes[k])
    return _Rehearsal(cast, times, boxes, visible, jumps)


def _jump(rng: Rng, cast: _Cast, size: tuple[int, int]) -> Floats:
    """The box of somebody else in the picture, or of nobody."""
    for k in range(1, len(cast.actors)):
        b = cast.bounds[k]
        tall = b[3] - b[1]
        inside = b[0] > -0.2 * tall and b[2] < size[1] + 0.2 * tall and b[3] < size[0] + 0.2 * tall
        apart = abs((b[0] + b[2]) - (cast.bounds[0][0] + cast.bounds[0][2])) > 0.3 * tall
        if inside and apart and 40 < tall < 1.2 * size[0]:
            return stray_box(rng, b, size) if chance(rng, 0.1) else _around(b, size)
    return stray_box(rng, cast.bounds[0], size)


def _around(bounds: Floats, size: tuple[int, int]) -> Floats:
    x0, y0 = max(float(bounds[0]), 0.0), max(float(bounds[1]), 0.0)
    x1 = max(min(float(bounds[2]), size[1]), x0 + 14)
    y1 = max(min(float(bounds[3]), size[0]), y0 + 28)
    return np.array([x0, y0, x1, y1], np.float32)


def _visible(place: Place, cast: _Cast, box: Floats) -> float:
    """Share of the target's silhouette that nothing hides and that lies in the box."""
    bounds = cast.bounds[0]
    depth, ids, corners = raster.empty_buffers(*_SILHOUETTE)
    mesh = cast.actors[0].person.mesh
    raster.draw(cast.projected[0], mesh.triangles, 0, bounds, depth, ids, corners)
    whole = int(((ids >= 0) & (ids < mesh.body_triangles)).sum())
    if whole == 0:
        return 0.0
    for k in range(1, len(cast.actors)):
        if _overlaps(cast.extents[k], bounds):
            triangles = cast.actors[k].person.mesh.triangles
            raster.draw(cast.projected[k], triangles, k, bounds, depth, ids, corners)
    rows, columns = _SILHOUETTE
    u = bounds[0] + (np.arange(columns) + 0.5) / columns * (bounds[2] - bounds[0])
    v = bounds[1] + (np.arange(rows) + 0.5) / rows * (bounds[3] - bounds[1])
    height, width = place.view.depth.shape
    row = np.clip(v, 0, height - 1).astype(int)
    column = np.clip(u, 0, width - 1).astype(int)
    behind = place.view.depth[row][:, column].astype(np.float32)
    seen = (ids >= 0) & (ids < mesh.body_triangles) & (depth < behind + 0.06)
    inside = ((u >= box[0]) & (u <= box[2]))[None] & ((v >= box[1]) & (v <= box[3]))[:, None]
    return float((seen & inside).sum() / whole)


def _overlaps(a: Floats, b: Floats) -> bool:
    return bool(a[2] > b[0] and a[0] < b[2] and a[3] > b[1] and a[1] < b[3])


def _render_frame(
    config: WorldConfig, place: Place, cast: _Cast, time: float, box: Floats
) -> tuple[Floats, NDArray[np.uint8]]:
    """Linear image at about twice the native size, and the packed mask of the target."""
    pose = place.camera.pose
    cast.move(time, pose)
    native = (box[3] - box[1]) * place.camera.resolution
    height = int(np.clip(2 * native, config.frame_height, 1.5 * config.frame_height)) // 8 * 8
    width = height * config.frame_width // config.frame_height
    depth, ids, corners = raster.empty_buffers(height, width)
    active = [k for k in range(len(cast.actors)) if k == 0 or _in_shot(cast, k, box)]
    for k in active:
        triangles = cast.actors[k].person.mesh.triangles
        raster.draw(cast.projected[k], triangles, k, box, depth, ids, corners)
    image = np.zeros((height, width, 3), np.float32)
    shadows = np.full((len(active), SHADOW, SHADOW), -1e9, np.float32)
    centres = np.zeros((len(active), 3), np.float32)
    for slot, k in enumerate(active):
        _shade_actor(place, cast, k, time, height / (box[3] - box[1]), depth, ids, corners,
                     centres[slot], shadows[slot], image)  # fmt: skip
    _compose(place, box, depth, ids, image, centres, shadows)
    return image, _pack_mask(ids, cast.actors[0].person.mesh.body_triangles)


def _in_shot(cast: _Cast, k: int, box: Floats) -> bool:
    extent = cast.extents[k]
    return bool(extent[4] > 1.0) and _overlaps(extent, box)


def _shade_actor(
    place: Place,
    cast: _Cast,
    k: int,
    time: float,
    scale: float,
    depth: Floats,
    ids: NDArray[np.int32],
    corners: Floats,
    centre: Floats,
    shadow: Floats,
    image: Floats,
) -> None:
    actor = cast.actors[k]
    person, mesh, points, normals = actor.person, actor.person.mesh, cast.points[k], cast.normals[k]
    vertex_normals(points, mesh.triangles, mesh.twins, normals)
    x, z, _ = actor.path.at(time)
    centre[:] = (x, person.stature * 0.5, z)
    if place.light.casts_shadows:
        raster.draw_shadow(points, place.sun.frame, centre, REACH, shadow)
    pixels = (cast.bounds[k][3] - cast.bounds[k][1]) * scale
    level = 0 if pixels > 220 else 1
    paint = person.paint
    raster.shade(
        ids, corners, k, points, normals, mesh.triangles, mesh.uv, mesh.pages, paint.pages[level],
        paint.gloss, paint.crease, _RELIEF, person.stature, place.camera.pose, place.light.vector,
        place.sun.frame, place.sun.depth, centre, REACH, shadow, np.zeros(4, np.float32), image,
    )  # fmt: skip


def _compose(
    place: Place,
    box: Floats,
    depth: Floats,
    ids: NDArray[np.int32],
    image: Floats,
    centres: Floats,
    shadows: Floats,
) -> None:
    height, width = ids.shape
    colour, view_depth, ambient = _cut(place, box, (height, width))
    raster.compose(
        colour, view_depth, ambient, depth, ids, image, place.camera.pose, box, place.light.vector,
        place.sun.frame, centres, REACH, shadows, len(centres),
    )  # fmt: skip


def _cut(place: Place, box: Floats, size: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """The view behind a box: colour, depth and ambient share, resampled to `size`."""
    view = place.view
    rows, columns = view.depth.shape
    x0, y0 = max(int(box[0]) - 2, 0), max(int(box[1]) - 2, 0)
    x1, y1 = min(int(box[2]) + 3, columns), min(int(box[3]) + 3, rows)
    height, width = size
    step = np.array(
        [
            [(box[2] - box[0]) / width, 0, box[0] - x0 - 0.5 + 0.5 * (box[2] - box[0]) / width],
            [0, (box[3] - box[1]) / height, box[1] - y0 - 0.5 + 0.5 * (box[3] - box[1]) / height],
        ],
        np.float32,
    )

    def warp(part: NDArray[Any], mode: int) -> Floats:
        region = np.ascontiguousarray(part[y0:y1, x0:x1].astype(np.float32))
        flags = mode | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(
            region, step, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(warped, np.float32)

    return (
        warp(view.colour, cv2.INTER_LINEAR),
        warp(view.depth, cv2.INTER_NEAREST),
        warp(view.ambient, cv2.INTER_LINEAR),
    )


def _pack_mask(ids: NDArray[np.int32], body: int) -> NDArray[np.uint8]:
    shown = ((ids >= 0) & (ids < body)).astype(np.float32)
    small = cv2.resize(shown, (MASK_COLUMNS, MASK_ROWS), interpolation=cv2.INTER_AREA)
    return np.packbits(small >= 0.4)
