"""The four kinds of world: which bodies, garments, places, cameras and boxes each one has.

No two kinds share a cloth's colour or a camera's tone curve, and K1's tables of prints, grounds and
walls have nothing in common with K0's, so that a model which does well on K1 has learnt people and
not K0's habits. K2 and K3 share some prints and surfaces with the others, and all kinds share the
code that makes meshes, faces, gaits and light.
"""

from dataclasses import dataclass

from model.synthetic.anatomy import BodyStyle
from model.synthetic.camera import LensStyle, Tone
from model.synthetic.config import Kind
from model.synthetic.head import Hat
from model.synthetic.outfit import Bag
from model.synthetic.prints import Print
from model.synthetic.scene import Prop, SceneStyle
from model.synthetic.surfaces import Surface
from model.synthetic.tracker import BoxStyle
from model.synthetic.wardrobe import GarmentStyle


@dataclass(frozen=True)
class KindSpec:
    bodies: BodyStyle
    garments: GarmentStyle
    scenes: SceneStyle
    lenses: LensStyle
    boxes: BoxStyle


def kind_spec(kind: Kind) -> KindSpec:
    return _KINDS[kind]


_K0 = KindSpec(
    bodies=BodyStyle(),
    garments=GarmentStyle(
        neutrals=((20, 20, 22), (30, 31, 36), (60, 62, 66), (110, 112, 115), (160, 160, 162),
                  (225, 225, 222), (238, 236, 230), (28, 34, 58), (38, 46, 80), (70, 55, 42),
                  (120, 98, 70), (190, 175, 145), (62, 66, 48)),
        vivids=((150, 30, 34), (190, 46, 48), (205, 110, 44), (214, 178, 66), (44, 112, 62),
                (28, 86, 88), (48, 98, 168), (90, 156, 206), (104, 56, 124), (196, 112, 146),
                (226, 178, 194), (98, 26, 40), (160, 184, 80)),
        denims=((45, 58, 88), (70, 90, 125), (110, 130, 160), (30, 36, 52), (25, 25, 30)),
        vivid_share=0.30,
        prints={Print.STRIPES: 3, Print.PINSTRIPE: 1, Print.PLAID: 2, Print.DOTS: 1,
                Print.DEAD_LEAVES: 3, Print.CAMOUFLAGE: 1.5, Print.BLOCKS: 2, Print.GRADIENT: 1,
                Print.CHEST_BAND: 1.5, Print.MELANGE: 4},
        jacket=(0.07, 0.45, 0.9),
        short_sleeves=(0.85, 0.35, 0.03),
        shorts=(0.5, 0.12, 0.0),
        hats=({Hat.NONE: 0.78, Hat.CAP: 0.18, Hat.SUN_HAT: 0.04},
              {Hat.NONE: 0.85, Hat.CAP: 0.08, Hat.BEANIE: 0.03, Hat.HOOD: 0.04},
              {Hat.NONE: 0.62, Hat.CAP: 0.06, Hat.BEANIE: 0.2, Hat.HOOD: 0.12}),
        skirt_rate=0.28, tunic_rate=0.02, headscarf_rate=0.03, long_coat=0.25, logo_rate=0.35,
        quilted=0.3, hood=0.35, ease=1.0, pack_rate=0.25,
        bags={Bag.NONE: 0.66, Bag.HAND: 0.13, Bag.SHOULDER: 0.13, Bag.TOTE: 0.06, Bag.WAIST: 0.02},
        denim_share=0.4,
    ),
    scenes=SceneStyle(
        grounds={Surface.ASPHALT: 3, Surface.SLABS: 4, Surface.GRASS: 1, Surface.CONCRETE: 1.5},
        indoor_grounds={Surface.TILES: 1},
        walls={Surface.BRICK: 2, Surface.OFFICE: 2, Surface.SHOPS: 3, Surface.PANELS: 1},
        props={Prop.POST: 3, Prop.TREE: 2, Prop.BENCH: 1.5, Prop.CAR: 2, Prop.RAILING: 2,
               Prop.BICYCLES: 3, Prop.BUSH: 2, Prop.SIGN: 1, Prop.BOLLARDS: 1.5, Prop.KIOSK: 1,
               Prop.SCOOTER: 1.5, Prop.VAN: 0.7},
        indoor_props={Prop.PILLAR: 3, Prop.KIOSK: 2, Prop.BENCH: 2, Prop.RAILING: 2, Prop.SIGN: 2,
                      Prop.BUSH: 1},
        indoor_rate=0.25, props_low=11, props_high=19, wall_low=3, wall_high=8,
    ),
    lenses=LensStyle(
        tone=Tone.FILMIC, heights=(2.2, 5.5), low_rate=0.2, focal=(0.7, 1.5), exposure=0.22,
        cast=0.045, saturation=(0.75, 1.2), gamma=(0.84, 1.08),
        resolutions=(0.45, 0.7, 1.0, 1.0, 1.0),
        blur=0.38, noises=(0.004, 0.010, 0.022), quality=(24, 80), vignette=0.35,
        sharpen=(0.0, 0.3, 0.6, 1.1), denoise=False,
    ),
    boxes=BoxStyle(
        margin=1.07, shake=(0.05, 0.035, 0.05, 0.06), bias=(0.045, 0.03, 0.04, 0.05), drift=0.15,
        lag=0.0, cut_rate=0.2, aspect=0.42, grid=1,
    ),
)  # fmt: skip

_K1 = KindSpec(
    bodies=BodyStyle(stature=1.70, stature_spread=0.065, woman_shorter=0.11, fat_scale=0.16,
                     child_rate=0.04, elder_rate=0.14, leg_ratio=0.985, limb_girth=1.06,
                     head_scale=1.03, squareness=2.15),
    garments=GarmentStyle(
        neutrals=((14, 15, 18), (44, 40, 40), (84, 80, 74), (134, 130, 120), (206, 200, 188),
                  (246, 245, 240), (24, 26, 44), (52, 58, 72), (92, 74, 60), (148, 120, 92),
                  (84, 88, 70)),
        vivids=((178, 60, 40), (120, 34, 50), (230, 140, 40), (240, 206, 100), (60, 132, 104),
                (30, 70, 62), (66, 80, 150), (120, 180, 190), (140, 90, 150), (224, 140, 130)),
        denims=((52, 66, 82), (92, 108, 128), (36, 40, 46)),
        vivid_share=0.26,
        prints={Print.GINGHAM: 2, Print.FLORAL: 3, Print.ZIGZAG: 1, Print.DIAGONAL: 1.5,
                Print.PATCHWORK: 1.5, Print.SIDE_PANELS: 2, Print.HIGH_VISIBILITY: 0.8,
                Print.MOSAIC: 2},
        jacket=(0.1, 0.5, 0.92),
        short_sleeves=(0.8, 0.3, 0.02),
        shorts=(0.4, 0.08, 0.0),
        hats=({Hat.NONE: 0.7, Hat.CAP: 0.12, Hat.SUN_HAT: 0.14, Hat.HELMET: 0.04},
              {Hat.NONE: 0.84, Hat.CAP: 0.05, Hat.HELMET: 0.05, Hat.HOOD: 0.06},
              {Hat.NONE: 0.6, Hat.BEANIE: 0.22, Hat.HELMET: 0.04, Hat.HOOD: 0.14}),
        skirt_rate=0.3, tunic_rate=0.10, headscarf_rate=0.12, long_coat=0.4, logo_rate=0.2,
        quilted=0.2, hood=0.2, ease=1.35, pack_rate=0.2,
        bags={Bag.NONE: 0.6, Bag.HAND: 0.2, Bag.SHOULDER: 0.08, Bag.TOTE: 0.1, Bag.WAIST: 0.02},
        denim_share=0.25,
    ),
    scenes=SceneStyle(
        grounds={Surface.COBBLES: 3, Surface.HERRINGBONE: 3, Surface.GRAVEL: 1},
        indoor_grounds={Surface.CARPET: 1, Surface.PLANKS: 1},
        walls={Surface.STALLS: 3, Surface.SHUTTERS: 3, Surface.GRAFFITI: 2, Surface.POSTERS: 1},
        props={Prop.STALL: 3, Prop.CRATES: 3, Prop.FENCE: 2, Prop.POST: 2, Prop.SCOOTER: 3,
               Prop.PILLAR: 1, Prop.VAN: 1.5, Prop.BUSH: 1},
        indoor_props={Prop.PILLAR: 3, Prop.STALL: 3, Prop.CRATES: 2, Prop.BENCH: 2, Prop.FENCE: 1},
        indoor_rate=0.35, props_low=12, props_high=20, wall_low=1, wall_high=5,
    ),
    lenses=LensStyle(
        tone=Tone.HARD, heights=(2.6, 6.5), low_rate=0.1, focal=(0.85, 1.8), exposure=0.22,
        cast=0.05, saturation=(0.5, 1.05), gamma=(0.8, 1.2), resolutions=(0.55, 0.8, 1.0),
        blur=0.5, noises=(0.006, 0.012, 0.02), quality=(22, 65), vignette=0.45,
        sharpen=(0.0, 0.7, 1.2), denoise=False,
    ),
    boxes=BoxStyle(
        margin=1.16, shake=(0.07, 0.04, 0.06, 0.09), bias=(0.06, 0.05, 0.06, 0.08), drift=0.2,
        lag=0.12, cut_rate=0.22, aspect=0.48, grid=1,
    ),
)  # fmt: skip

_K2 = KindSpec(
    bodies=BodyStyle(stature=1.80, stature_spread=0.075, woman_shorter=0.12, fat_scale=0.10,
                     child_rate=0.03, elder_rate=0.05, leg_ratio=1.015, limb_girth=0.95,
                     head_scale=0.98, squareness=2.5),
    garments=GarmentStyle(
        neutrals=((26, 28, 30), (48, 50, 56), (78, 82, 90), (140, 144, 150), (190, 192, 196),
                  (232, 234, 238), (34, 44, 52), (60, 72, 66), (102, 84, 74), (168, 152, 130)),
        vivids=((210, 50, 60), (236, 96, 52), (120, 200, 90), (20, 130, 140), (30, 80, 190),
                (90, 60, 170), (220, 80, 140), (250, 220, 60)),
        denims=((60, 70, 96), (126, 140, 158), (40, 42, 50)),
        vivid_share=0.36,
        prints={Print.SIDE_PANELS: 3, Print.TIE_DYE: 2, Print.ARGYLE: 1, Print.CHEST_BAND: 2,
                Print.PATCHWORK: 1, Print.BLOCKS: 2},
        jacket=(0.06, 0.4, 0.85),
        short_sleeves=(0.9, 0.45, 0.05),
        shorts=(0.6, 0.25, 0.02),
        hats=({Hat.NONE: 0.7, Hat.CAP: 0.3}, {Hat.NONE: 0.8, Hat.CAP: 0.1, Hat.HOOD: 0.1},
              {Hat.NONE: 0.6, Hat.BEANIE: 0.3, Hat.HOOD: 0.1}),
        skirt_rate=0.18, tunic_rate=0.0, headscarf_rate=0.02, long_coat=0.1, logo_rate=0.6,
        quilted=0.4, hood=0.6, ease=0.85, pack_rate=0.35,
        bags={Bag.NONE: 0.66, Bag.HAND: 0.08, Bag.SHOULDER: 0.12, Bag.TOTE: 0.04, Bag.WAIST: 0.1},
        denim_share=0.2,
    ),
    scenes=SceneStyle(
        grounds={Surface.TACTILE: 2, Surface.PLANKS: 2, Surface.CONCRETE: 2},
        indoor_grounds={Surface.TILES: 1, Surface.TACTILE: 1},
        walls={Surface.GLASS: 3, Surface.WALL_TILES: 2, Surface.PANELS: 1},
        props={Prop.BOLLARDS: 3, Prop.BENCH: 3, Prop.BUSH: 3, Prop.SIGN: 2, Prop.RAILING: 2,
               Prop.BICYCLES: 2},
        indoor_props={Prop.PILLAR: 2, Prop.RAILING: 3, Prop.BENCH: 3, Prop.SIGN: 3},
        indoor_rate=0.4, props_low=9, props_high=16, wall_low=4, wall_high=9,
    ),
    lenses=LensStyle(
        tone=Tone.FLAT, heights=(2.4, 4.2), low_rate=0.25, focal=(0.6, 1.2), exposure=0.25,
        cast=0.04, saturation=(0.7, 1.3), gamma=(0.9, 1.1), resolutions=(0.5, 0.75, 1.0),
        blur=0.5, noises=(0.008, 0.02), quality=(30, 70), vignette=0.25, sharpen=(0.0, 0.5),
        denoise=True,
    ),
    boxes=BoxStyle(
        margin=1.02, shake=(0.04, 0.04, 0.07, 0.04), bias=(0.03, 0.06, 0.05, 0.03), drift=0.28,
        lag=0.08, cut_rate=0.35, aspect=0.39, grid=4,
    ),
)  # fmt: skip

_K3 = KindSpec(
    bodies=BodyStyle(stature=1.74, stature_spread=0.08, woman_shorter=0.14, fat_scale=0.18,
                     child_rate=0.07, elder_rate=0.12, leg_ratio=1.0, limb_girth=1.02,
                     head_scale=1.01, squareness=2.25),
    garments=GarmentStyle(
        neutrals=((18, 18, 18), (36, 36, 40), (70, 68, 66), (120, 116, 112), (176, 172, 166),
                  (236, 232, 226), (32, 38, 66), (64, 52, 46), (132, 112, 88), (204, 190, 164)),
        vivids=((140, 40, 44), (206, 82, 60), (200, 160, 70), (70, 110, 70), (44, 90, 110),
                (70, 110, 170), (130, 80, 120), (210, 150, 160)),
        denims=((56, 70, 100), (98, 116, 142), (28, 30, 38)),
        vivid_share=0.28,
        prints={Print.PAISLEY: 2, Print.PINSTRIPE: 2, Print.FLORAL: 1, Print.MELANGE: 3,
                Print.ARGYLE: 1, Print.STRIPES: 1, Print.DEAD_LEAVES: 1},
        jacket=(0.12, 0.55, 0.93),
        short_sleeves=(0.75, 0.28, 0.02),
        shorts=(0.35, 0.06, 0.0),
        hats=({Hat.NONE: 0.76, Hat.CAP: 0.1, Hat.SUN_HAT: 0.14},
              {Hat.NONE: 0.88, Hat.CAP: 0.06, Hat.HOOD: 0.06},
              {Hat.NONE: 0.6, Hat.CAP: 0.1, Hat.BEANIE: 0.2, Hat.HOOD: 0.1}),
        skirt_rate=0.34, tunic_rate=0.05, headscarf_rate=0.08, long_coat=0.45, logo_rate=0.15,
        quilted=0.22, hood=0.25, ease=1.12, pack_rate=0.2,
        bags={Bag.NONE: 0.6, Bag.HAND: 0.18, Bag.SHOULDER: 0.16, Bag.TOTE: 0.06},
        denim_share=0.3,
    ),
    scenes=SceneStyle(
        grounds={Surface.GRAVEL: 1, Surface.HERRINGBONE: 1, Surface.ASPHALT: 2, Surface.TACTILE: 2},
        indoor_grounds={Surface.CARPET: 1, Surface.TILES: 1},
        walls={Surface.POSTERS: 3, Surface.GLASS: 2, Surface.BRICK: 1, Surface.WALL_TILES: 2},
        props={Prop.PILLAR: 2, Prop.FENCE: 2, Prop.TREE: 2, Prop.STALL: 1, Prop.BICYCLES: 2,
               Prop.CAR: 2, Prop.CRATES: 1, Prop.BENCH: 1},
        indoor_props={Prop.PILLAR: 3, Prop.FENCE: 2, Prop.STALL: 2, Prop.SIGN: 2},
        indoor_rate=0.3, props_low=10, props_high=18, wall_low=2, wall_high=7,
    ),
    lenses=LensStyle(
        tone=Tone.LOCAL, heights=(2.0, 5.0), low_rate=0.3, focal=(0.75, 1.6), exposure=0.25,
        cast=0.06, saturation=(0.55, 1.1), gamma=(0.85, 1.15), resolutions=(0.4, 0.7, 1.0),
        blur=0.5, noises=(0.006, 0.016, 0.026), quality=(20, 65), vignette=0.4,
        sharpen=(0.0, 0.7, 1.3), denoise=False,
    ),
    boxes=BoxStyle(
        margin=1.1, shake=(0.06, 0.05, 0.05, 0.07), bias=(0.06, 0.04, 0.05, 0.06), drift=0.22,
        lag=0.15, cut_rate=0.25, aspect=0.45, grid=8,
    ),
)  # fmt: skip

_KINDS = {Kind.K0: _K0, Kind.K1: _K1, Kind.K2: _K2, Kind.K3: _K3}
