"""Scenes, lights, cameras and their views, made once and shared by all tracklets of a world."""

import os
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from model.synthetic.camera import Camera, meter, sample_camera
from model.synthetic.config import WorldConfig
from model.synthetic.kinds import kind_spec
from model.synthetic.light import Light, sample_light
from model.synthetic.plan import TrackletPlan
from model.synthetic.scene import Scene, build_scene
from model.synthetic.seeding import Stream, stream
from model.synthetic.view import SunMap, View, cast_sun, cast_view


@dataclass(frozen=True)
class Place:
    """All that a tracklet needs to know about where it is."""

    scene: Scene
    light: Light
    sun: SunMap
    camera: Camera
    view: View
    exposure: float


class Places:
    """Makes places on demand; with a `folder`, views are kept there for other processes."""

    def __init__(self, config: WorldConfig, folder: Path | None = None, keep: int = 24) -> None:
        self._config, self._folder, self._keep = config, folder, keep
        self._views: OrderedDict[tuple[int, int], tuple[View, float]] = OrderedDict()

    def place(self, plan: TrackletPlan) -> Place:
        config = self._config
        scene = _scene(config, plan.environment)
        light, sun = _light(config, plan.environment, plan.lighting, plan.night)
        camera = _camera(config, plan.environment, plan.camera)
        lighting = config.lightings_per_camera if light.night else plan.lighting
        key = (plan.camera, lighting)
        if key not in self._views:
            self._views[key] = self._view(key, scene, camera, light, sun)
            while len(self._views) > self._keep:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        view, exposure = self._views[key]
        return Place(scene, light, sun, camera, view, exposure)

    def _view(
        self, key: tuple[int, int], scene: Scene, camera: Camera, light: Light, sun: SunMap
    ) -> tuple[View, float]:
        size = (self._config.view_height, self._config.view_width)
        path = None if self._folder is None else self._folder / f"view-{key[0]:05d}-{key[1]}.npy"
        if path is not None and path.exists():
            stored = np.load(path, mmap_mode="r")
            view = View(stored[..., :3], stored[..., 3], stored[..., 4])
        else:
            view = cast_view(scene, camera.pose, light, sun, size)
            if path is not None:
                _store(path, view)
        return view, meter(view.colour, view.depth)


def _store(path: Path, view: View) -> None:
    packed = np.concatenate([view.colour, view.depth[..., None], view.ambient[..., None]], -1)
    part = path.with_suffix(f".{os.getpid()}.tmp")
    with part.open("wb") as file:
        np.save(file, packed)
    part.replace(path)


@lru_cache(maxsize=3)
def _scene(config: WorldConfig, environment: int) -> Scene:
    rng = stream(config.root_seed, Stream.SCENE, environment)
    return build_scene(rng, kind_spec(config.kind).scenes)


@lru_cache(maxsize=8)
def _light(
    config: WorldConfig, environment: int, lighting: int, night: bool
) -> tuple[Light, SunMap]:
    scene = _scene(config, environment)
    night = night and not scene.indoor
    if night:
        lighting = config.lightings_per_camera
    rng = stream(config.root_seed, Stream.LIGHT, environment, lighting)
    light = sample_light(rng, indoor=scene.indoor, night=night)
    return light, cast_sun(scene, light)


@lru_cache(maxsize=64)
def _camera(config: WorldConfig, environment: int, camera: int) -> Camera:
    rng = stream(config.root_seed, Stream.CAMERA, camera)
    scene = _scene(config, environment)
    style = kind_spec(config.kind).lenses
    return sample_camera(rng, style, scene, config.view_width, config.view_height)
