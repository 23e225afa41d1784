"""Draws people: projection, a depth buffer, deferred shading and composition over a view."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from model.synthetic.view import sunlit

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
ACTOR_STRIDE = 1 << 20
"""A pixel's id is actor * stride + triangle; -1 is background."""


@njit(cache=True, fastmath=True)
def project(
    points: Floats, pose: Floats, out: Floats, body: int, bounds: Floats, extent: Floats
) -> None:
    """Image coordinates and depth [V, 3] of world points.

    `bounds` (x0, y0, x1, y1) takes those of the first `body` points, `extent` those of all and
    their least depth.
    """
    bounds[0], bounds[1], bounds[2], bounds[3] = 1e9, 1e9, -1e9, -1e9
    extent[0], extent[1], extent[2], extent[3], extent[4] = 1e9, 1e9, -1e9, -1e9, 1e9
    for i in range(points.shape[0]):
        dx, dy, dz = points[i, 0] - pose[0], points[i, 1] - pose[1], points[i, 2] - pose[2]
        z = max(pose[9] * dx + pose[10] * dy + pose[11] * dz, np.float32(0.2))
        u = pose[12] * (pose[3] * dx + pose[4] * dy + pose[5] * dz) / z + pose[13]
        v = pose[14] - pose[12] * (pose[6] * dx + pose[7] * dy + pose[8] * dz) / z
        out[i, 0], out[i, 1], out[i, 2] = u, v, z
        if i < body:
            bounds[0], bounds[1] = min(bounds[0], u), min(bounds[1], v)
            bounds[2], bounds[3] = max(bounds[2], u), max(bounds[3], v)
        extent[0], extent[1] = min(extent[0], u), min(extent[1], v)
        extent[2], extent[3] = max(extent[2], u), max(extent[3], v)
        extent[4] = min(extent[4], z)


@njit(cache=True, fastmath=True)
def draw(
    projected: Floats,
    triangles: Ints,
    actor: int,
    crop: Floats,
    depth: Floats,
    ids: Ints,
    corners: Floats,
) -> None:
    """Rasterise into buffers [H, W]; `corners` [H, W, 2] takes barycentric weights.

    `crop` (x0, y0, x1, y1) is the part of the image that the buffers stand for.
    """
    height, width = depth.shape
    sx, sy = width / (crop[2] - crop[0]), height / (crop[3] - crop[1])
    for k in range(triangles.shape[0]):
        a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
        ax, ay = (projected[a, 0] - crop[0]) * sx - 0.5, (projected[a, 1] - crop[1]) * sy - 0.5
        bx, by = (projected[b, 0] - crop[0]) * sx - 0.5, (projected[b, 1] - crop[1]) * sy - 0.5
        cx, cy = (projected[c, 0] - crop[0]) * sx - 0.5, (projected[c, 1] - crop[1]) * sy - 0.5
        left = max(0, math.ceil(min(ax, min(bx, cx))))
        right = min(width - 1, math.floor(max(ax, max(bx, cx))))
        top = max(0, math.ceil(min(ay, min(by, cy))))
        bottom = min(height - 1, math.floor(max(ay, max(by, cy))))
        if left > right or top > bottom:
            continue
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-8:
            continue
        inverse = 1 / area
        za, zb, zc = projected[a, 2], projected[b, 2], projected[c, 2]
        step_a, step_b = (by - cy) * inverse, (cy - ay) * inverse
        for y in range(top, bottom + 1):
            wa = ((bx - left) * (cy - y) - (cx - left) * (by - y)) * inverse - step_a
            wb = ((cx - left) * (ay - y) - (ax - left) * (cy - y)) * inverse - step_b
            for x in range(left, right + 1):
                wa += step_a
                wb += step_b
                wc = 1 - wa - wb
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                z = wa * za + wb * zb + wc * zc
                if z < depth[y, x]:
                    depth[y, x] = z
                    ids[y, x] = actor * ACTOR_STRIDE + k
                    corners[y, x, 0], corners[y, x, 1] = wa, wb


@njit(cache=True, fastmath=True)
def draw_shadow(points: Floats, frame: Floats, centre: Floats, reach: float, depth: Floats) -> None:
    """A person's own shadow map [S, S] around `centre`; larger is nearer to the sun."""
    size = depth.shape[0]
    depth[:] = -1e9
    scale = size / (2 * reach)
    for i in range(points.shape[0]):
        dx, dy, dz = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        u = (dx * frame[0] + dy * frame[1] + dz * frame[2]) * scale + size / 2 - 0.5
        v = (dx * frame[3] + dy * frame[4] + dz * frame[5]) * scale + size / 2 - 0.5
        along = dx * frame[6] + dy * frame[7] + dz * frame[8]
        x, y = int(u), int(v)
        if x < 1 or y < 1 or x >= size - 2 or y >= size - 2:
            continue
        for b in range(-1, 2):
            for a in range(-1, 2):
                if along > depth[y + b, x + a]:
                    depth[y + b, x + a] = along


@njit(cache=True, fastmath=True)
def _shadowed(
    x: float, y: float, z: float, frame: Floats, centre: Floats, reach: float, depth: Floats,
    bias: float,
) -> float:  # fmt: skip
    """Share of a point that a person's shadow covers."""
    size = depth.shape[0]
    scale = size / (2 * reach)
    dx, dy, dz = x - centre[0], y - centre[1], z - centre[2]
    u = (dx * frame[0] + dy * frame[1] + dz * frame[2]) * scale + size / 2 - 0.5
    v = (dx * frame[3] + dy * frame[4] + dz * frame[5]) * scale + size / 2 - 0.5
    along = dx * frame[6] + dy * frame[7] + dz * frame[8]
    i, j = math.floor(u), math.floor(v)
    if i < 0 or j < 0 or i >= size - 1 or j >= size - 1:
        return 0.0
    fu, fv = u - i, v - j
    dark = 0.0
    for b in range(2):
        for a in range(2):
            if depth[j + b, i + a] > along + bias:
                dark += (fu if a else 1 - fu) * (fv if b else 1 - fv)
    return dark


@njit(cache=True, fastmath=True)
def _sample(page: NDArray[np.uint8], u: float, v: float, out: Floats) -> None:
    """Bilinear, linear-light colour of a page [S, S, 3]; u repeats, v does not."""
    size = page.shape[0]
    x = (u - math.floor(u)) * size - 0.5
    y = min(max(v, 0.0), 1.0) * size - 0.5
    i, j = math.floor(x), math.floor(y)
    fx, fy = x - i, y - j
    i0, i1 = i & (size - 1), (i + 1) & (size - 1)
    j0, j1 = min(max(j, 0), size - 1), min(max(j + 1, 0), size - 1)
    for c in range(3):
        upper = page[j0, i0, c] * (1 - fx) + page[j0, i1, c] * fx
        lower = page[j1, i0, c] * (1 - fx) + page[j1, i1, c] * fx
        value = (upper * (1 - fy) + lower * fy) / 255.0
        out[c] = value * value


@njit(cache=True, fastmath=True)
def _crumple(
    nx: float, ny: float, nz: float, u: float, v: float, page: int, crease: float, relief: Floats
) -> tuple[float, float, float, float]:
    """A normal bent by the folds of cloth, and how much light reaches into them."""
    if crease <= 0:
        return nx, ny, nz, 1.0
    i = int(u * 256.0 + v * 50.0 + 37 * page) & 127
    j = int(v * 115.0 + 11 * page) & 127
    gx, gy = relief[j, i, 0], relief[j, i, 1]
    # Cloth folds most where it bends: knees, elbows, waist and hems.
    bend = 0.12 * crease * (1.0 + 0.9 * math.exp(-(((v - 0.5) / 0.14) ** 2)))
    flat = math.sqrt(nx * nx + nz * nz) + 1e-6
    side = gx * bend / flat
    return nx + nz * side, ny + gy * bend, nz - nx * side, 1.0 - 0.08 * crease * abs(gy)


@njit(cache=True, fastmath=True)
def shade(
    ids: Ints,
    corners: Floats,
    actor: int,
    points: Floats,
    normals: Floats,
    triangles: Ints,
    uv: Floats,
    vertex_pages: Ints,
    pages: NDArray[np.uint8],
    gloss: Floats,
    crease: Floats,
    relief: Floats,
    stature: float,
    pose: Floats,
    light: Floats,
    frame: Floats,
    sun_depth: Floats,
    centre: Floats,
    reach: float,
    shadow: Floats,
    scratch: Floats,
    image: Floats,
) -> None:
    """Light one actor's pixels into `image` [H, W, 3], linear."""
    height, width = ids.shape
    sunny = light[3] > 0.03
    for y in range(height):
        for x in range(width):
            pixel = ids[y, x]
            if pixel < 0 or pixel // ACTOR_STRIDE != actor:
                continue
            k = pixel % ACTOR_STRIDE
            a, b, c = triangles[k, 0], triangles[k, 1], triangles[k, 2]
            wa, wb = corners[y, x, 0], corners[y, x, 1]
            wc = 1 - wa - wb
            page = vertex_pages[a]
            u = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
            v = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
            _sample(pages[page], u, v, scratch)
            nx = wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c, 0]
            ny = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1]
            nz = wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c, 2]
            px = wa * points[a, 0] + wb * points[b, 0] + wc * points[c, 0]
            py = wa * points[a, 1] + wb * points[b, 1] + wc * points[c, 1]
            pz = wa * points[a, 2] + wb * points[b, 2] + wc * points[c, 2]
            vx, vy, vz = pose[0] - px, pose[1] - py, pose[2] - pz
            distance = math.sqrt(vx * vx + vy * vy + vz * vz)
            if nx * vx + ny * vy + nz * vz < 0:
                nx, ny, nz = -nx, -ny, -nz
            nx, ny, nz, cavity = _crumple(nx, ny, nz, u, v, page, crease[page], relief)
            length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            nx, ny, nz = nx / length, ny / length, nz / length
            facing = nx * light[0] + ny * light[1] + nz * light[2]
            lit = 0.0
            if facing > 0 and sunny:
                lit = sunlit(px, py, pz, frame, sun_depth, 0.08)
                if lit > 0:
                    lit *= 1 - _shadowed(px, py, pz, frame, centre, reach, shadow, 0.09)
            vx, vy, vz = vx / distance, vy / distance, vz / distance
            hx, hy, hz = vx + light[0], vy + light[1], vz + light[2]
            half = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-6
            shine = max(0.0, (nx * hx + ny * hy + nz * hz) / half) ** 24 * gloss[page] * lit
            rim = (1 - max(0.0, nx * vx + ny * vy + nz * vz)) ** 3 * 0.10
            up = 0.5 + 0.5 * ny
            low = min(1.0, 0.62 + 0.38 * py / (0.45 * stature)) * cavity
            toward = max(0.0, nx * vx + ny * vy + nz * vz)
            lamp = light[12] * toward * 30.0 / (30.0 + distance * distance)
            for channel in range(3):
                soft = (light[6 + channel] * up + light[9 + channel] * (1 - up)) * low
                soft = soft * (1 + rim) + lamp
                hard = light[3 + channel] * max(0.0, facing) * lit
                image[y, x, channel] = scratch[channel] * (soft + hard) + shine * (
                    light[3 + channel] + 0.3 * light[6 + channel]
                )


@njit(cache=True, fastmath=True)
def compose(
    colour: Floats,
    view_depth: Floats,
    ambient: Floats,
    depth: Floats,
    ids: Ints,
    image: Floats,
    pose: Floats,
    crop: Floats,
    light: Floats,
    frame: Floats,
    centres: Floats,
    reach: float,
    shadows: Floats,
    actors: int,
) -> None:
    """Fill the background with shadows, and hide people behind what is nearer than they are."""
    height, width = ids.shape
    for y in range(height):
        for x in range(width):
            pixel = ids[y, x]
            if pixel >= 0 and depth[y, x] < view_depth[y, x] + 0.06:
                continue
            ids[y, x] = -1
            keep = 1.0
            u = crop[0] + (x + 0.5) / width * (crop[2] - crop[0])
            v = crop[1] + (y + 0.5) / height * (crop[3] - crop[1])
            rx, ry = (u - pose[13]) / pose[12], -(v - pose[14]) / pose[12]
            t = view_depth[y, x]
            gy = pose[1] + (pose[4] * rx + pose[7] * ry + pose[10]) * t
            if gy < 0.08 and t < 200:
                gx = pose[0] + (pose[3] * rx + pose[6] * ry + pose[9]) * t
                gz = pose[2] + (pose[5] * rx + pose[8] * ry + pose[11]) * t
                contact, dark = 1.0, 0.0
                for k in range(actors):
                    dx, dz = gx - centres[k, 0], gz - centres[k, 2]
                    squared = dx * dx + dz * dz
                    if squared < 1.5:
                        contact *= 1 - 0.5 * math.exp(-squared / 0.08)
                    if ambient[y, x] < 0.97 and squared < 40:
                        dark = max(
                            dark,
                            _shadowed(gx, 0.02, gz, frame, centres[k], reach, shadows[k], 0.02),
                        )
                keep = contact * (1 - dark * (1 - ambient[y, x]))
            for c in range(3):
                image[y, x, c] = colour[y, x, c] * keep


def empty_buffers(height: int, width: int) -> tuple[Floats, Ints, Floats]:
    """Depth, ids and barycentric corners, all clear."""
    return (
        np.full((height, width), 1e9, np.float32),
        np.full((height, width), -1, np.int32),
        np.zeros((height, width, 2), np.float32),
    )
