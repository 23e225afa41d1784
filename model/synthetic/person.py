"""A person ready to be rendered: mesh, joints, paint and gait, made from an identity's number."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model.synthetic import anatomy, garments, head, wheels
from model.synthetic.anatomy import Body, Figure, sample_body
from model.synthetic.config import WorldConfig
from model.synthetic.gait import Gait
from model.synthetic.kinds import kind_spec
from model.synthetic.mesh import Mesh, MeshBuilder
from model.synthetic.outfit import Outfit, Season, Top
from model.synthetic.paint import Paint, paint_person
from model.synthetic.seeding import Stream, stream
from model.synthetic.wardrobe import Dresser, in_family, sample_gait


@dataclass(frozen=True)
class Person:
    identity: int
    body: Body
    outfit: Outfit
    gait: Gait
    mesh: Mesh
    joints: NDArray[np.float32]
    paint: Paint
    seed: int

    @property
    def stature(self) -> float:
        return self.body.stature


def build_mesh(body: Body, outfit: Outfit, seed: int) -> tuple[Mesh, NDArray[np.float32]]:
    """Mesh and rest joints [J, 3] of a dressed body."""
    mesh, figure = MeshBuilder(), Figure(body)
    top, jacket, bottom = outfit.top, outfit.jacket, outfit.bottom
    anatomy.add_neck(mesh, figure)
    anatomy.add_hands(mesh, figure)
    if top.sleeve_end > 0.5 and jacket is None:
        anatomy.add_arms(mesh, figure, min(top.sleeve_end + 0.06, 0.78))
    if bottom.hem > 0.12:
        anatomy.add_legs(mesh, figure, 0.45)
    garments.add_bottom(mesh, figure, bottom, seed)
    under = garments.hip_ease(bottom) + 0.6 * bottom.width
    garments.add_top(mesh, figure, top if jacket is None else _tucked(outfit), under)
    outer = top.thickness
    if jacket is not None:
        garments.add_jacket(mesh, figure, jacket, top.thickness, under)
        outer += jacket.thickness
    if outfit.skirt is not None:
        garments.add_skirt(mesh, figure, outfit.skirt, top.thickness * (top.hem > 0.5))
    garments.add_shoes(mesh, figure, outfit.shoes)
    if outfit.scarf is not None:
        garments.add_scarf(mesh, figure, outer)
    garments.add_load(mesh, figure, outfit.load, outer)
    head.add_head(mesh, figure)
    if outfit.hat not in (head.Hat.HOOD, head.Hat.BEANIE):
        head.add_hair(mesh, figure, outfit.cut)
    head.add_hat(mesh, figure, outfit.hat)
    mesh.end_of_body()
    wheels.add_wheels(mesh, figure, outfit.load)
    return mesh.freeze(), figure.joints


def _tucked(outfit: Outfit) -> Top:
    """Under a jacket the top is shorter than it and its sleeves end above the elbow."""
    jacket = outfit.jacket
    assert jacket is not None
    return replace(
        outfit.top, hem=max(outfit.top.hem, jacket.hem + 0.012), sleeve_end=0.71, flare=0.0
    )


@lru_cache(maxsize=192)
def make_person(config: WorldConfig, identity: int, family: int | None, season: Season) -> Person:
    """The person with that number; members of a `family` share its colours and patterns.

    `family` None: dressed like nobody else on purpose."""
    spec = kind_spec(config.kind)
    rng = stream(config.root_seed, Stream.PERSON, identity)
    shared_rng = stream(config.root_seed, Stream.FAMILY, identity if family is None else family)
    woman = None if family is None else bool(shared_rng.random() < 0.5)
    body = sample_body(rng, spec.bodies, woman)
    outfit = Dresser(rng, spec.garments, season).outfit(body)
    if family is not None:
        relative = sample_body(shared_rng, spec.bodies, woman)
        shared = Dresser(shared_rng, spec.garments, season).outfit(relative)
        outfit = in_family(outfit, shared, rng)
    gait = sample_gait(rng, body, outfit.load)
    return assemble(identity, body, outfit, gait, int(rng.integers(1 << 30)))


def assemble(identity: int, body: Body, outfit: Outfit, gait: Gait, seed: int) -> Person:
    mesh, joints = build_mesh(body, outfit, seed)
    return Person(identity, body, outfit, gait, mesh, joints, paint_person(outfit, seed), seed)


def changed(person: Person) -> Person:
    """The same person with the jacket opened or closed, or a bag put down."""
    outfit = person.outfit.changed()
    return assemble(person.identity, person.body, outfit, person.gait, person.seed)
