"""How outfits are drawn, and how lookalike families come about."""

from dataclasses import dataclass, replace

import numpy as np

from model.synthetic.anatomy import Body
from model.synthetic.gait import Gait, Mode
from model.synthetic.head import Hair, HairCut, Hat
from model.synthetic.outfit import (
    Bag,
    Bottom,
    Face,
    Jacket,
    Load,
    Logo,
    Neck,
    Outfit,
    Season,
    Shoes,
    Skirt,
    Top,
    Wheels,
)
from model.synthetic.prints import Colour, Fabric, Print
from model.synthetic.seeding import chance, pick

Rng = np.random.Generator


@dataclass(frozen=True)
class GarmentStyle:
    """How one kind of world dresses."""

    neutrals: tuple[Colour, ...]
    vivids: tuple[Colour, ...]
    denims: tuple[Colour, ...]
    vivid_share: float
    prints: dict[int, float]
    jacket: tuple[float, float, float]
    """chance per season"""
    short_sleeves: tuple[float, float, float]
    shorts: tuple[float, float, float]
    hats: tuple[dict[int, float], dict[int, float], dict[int, float]]
    skirt_rate: float
    tunic_rate: float
    headscarf_rate: float
    long_coat: float
    logo_rate: float
    quilted: float
    hood: float
    ease: float
    """scales how loose things are"""
    pack_rate: float
    bags: dict[int, float]
    denim_share: float


SKIN: tuple[Colour, ...] = (
    (236, 200, 176), (224, 182, 152), (206, 162, 128), (182, 134, 100), (146, 100, 72),
    (104, 70, 50), (74, 50, 38),
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (22, 19, 18), (38, 28, 22), (62, 43, 29), (96, 68, 40), (146, 110, 66), (192, 160, 108),
    (112, 48, 28), (142, 140, 138), (205, 203, 198),
)  # fmt: skip
_HAIR_WEIGHTS = {0: 0.31, 1: 0.25, 2: 0.16, 3: 0.09, 4: 0.06, 5: 0.04, 6: 0.02, 7: 0.05, 8: 0.02}
_SKIN_WEIGHTS = {0: 0.22, 1: 0.26, 2: 0.2, 3: 0.12, 4: 0.09, 5: 0.07, 6: 0.04}


def vary(rng: Rng, colour: Colour, spread: float) -> Colour:
    """A shade near that colour; brightness varies more than hue."""
    shifted = np.array(colour) + rng.normal(0, 0.5 * spread, 3) + rng.normal(0, spread)
    r, g, b = (int(value) for value in np.clip(shifted, 6, 247))
    return r, g, b


class Dresser:
    """Draws outfits in one style."""

    def __init__(self, rng: Rng, style: GarmentStyle, season: Season) -> None:
        self.rng, self.style, self.season = rng, style, season

    def colour(self, vivid: float | None = None) -> Colour:
        share = self.style.vivid_share if vivid is None else vivid
        pool = self.style.vivids if chance(self.rng, share) else self.style.neutrals
        return vary(self.rng, pool[int(self.rng.integers(len(pool)))], 9)

    def fabric(self, *, plain: float, vivid: float, gloss: float = 0.0) -> Fabric:
        rng = self.rng
        design = Print.PLAIN
        if not chance(rng, plain):
            design = Print(pick(rng, self.style.prints))
        base = self.colour(vivid)
        second = self.colour(max(vivid, 0.35))
        if design == Print.MELANGE:
            second = vary(rng, base, 26)
        return Fabric(
            design,
            (base, second, self.colour(0.45)),
            float(rng.uniform(3.5, 12)),
            int(rng.integers(1 << 30)),
            gloss,
            float(rng.uniform(0.35, 1.3)),
        )

    def logos(self, *, on: float) -> tuple[Logo, ...]:
        rng, marks = self.rng, []
        if chance(rng, on):
            wide = chance(rng, 0.5)
            width = rng.uniform(0.10, 0.20) if wide else rng.uniform(0.03, 0.06)
            u = 0.5 if wide else 0.5 + rng.choice([-1, 1]) * 0.08
            marks.append(self._logo(width, u, rng.uniform(0.22, 0.4)))
        if chance(rng, on * 0.7):
            marks.append(self._logo(rng.uniform(0.12, 0.24), 0.0, rng.uniform(0.2, 0.36)))
        return tuple(marks)

    def _logo(self, width: float, u: float, v: float) -> Logo:
        rng = self.rng
        return Logo(
            float(width),
            float(width * rng.uniform(0.35, 1.5)),
            float(u),
            float(v),
            self.colour(0.5),
            int(rng.integers(1 << 30)),
            chance(rng, 0.5),
        )

    def top(self, *, covered: bool) -> Top:
        rng, style, ease = self.rng, self.style, self.style.ease
        short = chance(rng, style.short_sleeves[self.season]) and not covered
        fabric = self.fabric(plain=0.52, vivid=style.vivid_share)
        contrast = chance(rng, 0.1)
        end = float(rng.choice([0.655, 0.69, 0.72, 0.775])) if short else 0.488
        neck = Neck(int(rng.choice(4, p=[0.5, 0.16, 0.22, 0.12])))
        return Top(
            fabric=fabric,
            sleeves=self.fabric(plain=0.9, vivid=0.3) if contrast else fabric,
            thickness=float(rng.uniform(0.0025, 0.008)) * ease,
            sleeve_end=end,
            sleeve_width=float(rng.uniform(0.002, 0.013)) * ease,
            hem=float(rng.choice([0.46, 0.475, 0.495, 0.52, 0.545], p=[0.2, 0.3, 0.3, 0.12, 0.08])),
            flare=float(rng.uniform(-0.002, 0.012)) * ease,
            neck=neck,
            trim=self.colour(0.3),
            buttons=neck == Neck.SHIRT or chance(rng, 0.12),
            logos=self.logos(on=style.logo_rate),
        )

    def jacket(self) -> Jacket | None:
        rng, style = self.rng, self.style
        if not chance(rng, style.jacket[self.season]):
            return None
        quilted = chance(rng, style.quilted) and self.season != Season.SUMMER
        warm = 1.0 if self.season == Season.SUMMER else 1.5
        fabric = self.fabric(
            plain=0.82, vivid=style.vivid_share * 0.7, gloss=float(rng.choice([0, 0, 0.12, 0.3]))
        )
        contrast = chance(rng, 0.12)
        return Jacket(
            fabric=replace(fabric, crease=fabric.crease * (0.5 if quilted else 0.9)),
            sleeves=self.fabric(plain=0.95, vivid=0.3) if contrast else fabric,
            thickness=float(rng.uniform(0.004, 0.0075) * warm + 0.004 * quilted) * style.ease,
            sleeve_width=float(rng.uniform(0.001, 0.006) + 0.003 * quilted) * style.ease,
            hem=float(
                rng.uniform(0.24, 0.38) if chance(rng, style.long_coat) else rng.uniform(0.43, 0.50)
            ),
            flare=float(rng.uniform(0.0, 0.02)),
            open=chance(rng, 0.42),
            gap=float(rng.uniform(0.3, 0.95)),
            hood=chance(rng, style.hood),
            quilted=quilted,
            trim=self.colour(0.25),
            logos=self.logos(on=style.logo_rate * 0.5),
        )

    def bottom(self, *, skirt: bool) -> Bottom:
        rng, style = self.rng, self.style
        shorts = chance(rng, style.shorts[self.season]) and not skirt
        if chance(rng, style.denim_share) and not skirt:
            base = vary(rng, style.denims[int(rng.integers(len(style.denims)))], 7)
            fade = (min(base[0] + 32, 250), min(base[1] + 32, 250), min(base[2] + 32, 250))
            fabric = Fabric(Print.MELANGE, (base, fade, base), 9.0, int(rng.integers(1 << 30)))
        else:
            fabric = self.fabric(plain=0.85, vivid=style.vivid_share * 0.35)
        bare = skirt and chance(rng, (0.8, 0.55, 0.15)[self.season])
        return Bottom(
            fabric=fabric,
            hem=0.9
            if bare
            else float(rng.uniform(0.26, 0.34) if shorts else rng.choice([0.032, 0.04, 0.075])),
            width=0.001 if skirt else float(rng.choice([0.0015, 0.006, 0.011, 0.017])) * style.ease,
            flare=float(rng.choice([0, 0, 0, 0.7])),
            stripe=self.colour(0.4) if chance(rng, 0.1) else None,
            belt=self.colour(0.1) if chance(rng, 0.3) else None,
        )

    def skirt(self, body_woman: bool, top: Top) -> Skirt | None:
        rng, style = self.rng, self.style
        tunic = chance(rng, style.tunic_rate)
        if not tunic and not (body_woman and chance(rng, style.skirt_rate)):
            return None
        dress = tunic or chance(rng, 0.45)
        hem = (
            float(rng.uniform(0.2, 0.36))
            if tunic
            else float(rng.choice([0.36, 0.31, 0.27, 0.21, 0.09]))
        )
        return Skirt(
            fabric=top.fabric if dress else self.fabric(plain=0.55, vivid=0.35),
            hem=hem,
            flare=float(rng.uniform(0.0, 0.02)) if tunic else float(rng.uniform(0.005, 0.06)),
            folds=int(rng.integers(5, 12)),
        )

    def shoes(self, *, shorts: bool) -> Shoes:
        rng = self.rng
        sporty = chance(rng, 0.6)
        boots = chance(rng, (0.02, 0.15, 0.35)[self.season]) and not shorts
        white = chance(rng, 0.65 if sporty else 0.12)
        upper = self.colour(0.32 if sporty else 0.08)
        return Shoes(
            upper=(226, 226, 222) if sporty and chance(rng, 0.3) else upper,
            sole=(224, 222, 214) if white else (28, 26, 24),
            accent=self.colour(0.5),
            width=float(rng.uniform(0.94, 1.14)),
            shaft=float(rng.choice([0.07, 0.10, 0.20])) if boots else 0.0,
            heel=0.0 if sporty or chance(rng, 0.7) else float(rng.uniform(0.008, 0.022)),
            sporty=sporty,
        )

    def face(self, body: Body) -> Face:
        rng = self.rng
        man = body.woman < 0.5
        mask: Colour | None = None
        if chance(rng, 0.06):
            masks: tuple[Colour, ...] = ((205, 220, 232), (30, 30, 32), (240, 240, 238))
            mask = masks[int(rng.integers(3))]
        hair = 7 + int(rng.integers(2)) if body.elder else pick(rng, _HAIR_WEIGHTS)
        return Face(
            skin=vary(rng, SKIN[pick(rng, _SKIN_WEIGHTS)], 5),
            hair=vary(rng, HAIR[hair], 5),
            lips=0.15 if man else float(rng.uniform(0.2, 0.8)),
            brows=float(rng.uniform(0.4, 1.0)),
            beard=float(rng.choice([0, 0.35, 0.9], p=[0.6, 0.22, 0.18]))
            if man and not body.child
            else 0.0,
            glasses=int(rng.choice(3, p=[0.78, 0.15, 0.07])),
            mask=mask,
            age=float(rng.uniform(0.6, 1.0)) if body.elder else float(rng.uniform(0, 0.4)),
        )

    def hair(self, body: Body) -> HairCut:
        rng = self.rng
        men = {Hair.BALD: 0.07, Hair.CROP: 0.2, Hair.SHORT: 0.36, Hair.SIDE_PART: 0.2,
               Hair.RECEDING: 0.07 + 0.2 * body.elder, Hair.AFRO: 0.04, Hair.LONG: 0.02,
               Hair.BUN: 0.02}  # fmt: skip
        women = {
            Hair.SHORT: 0.08,
            Hair.BOB: 0.21,
            Hair.LONG: 0.32,
            Hair.PONYTAIL: 0.2,
            Hair.BUN: 0.1,
            Hair.AFRO: 0.03,
            Hair.TWO_TAILS: 0.1 if body.child else 0.02,
        }
        table = {int(key): weight for key, weight in (men if body.woman < 0.5 else women).items()}
        style = Hair(pick(rng, table))
        if body.woman >= 0.5 and chance(rng, self.style.headscarf_rate):
            style = Hair.SCARF
        return HairCut(
            style,
            float(rng.uniform(0.45, 1.35)),
            float(rng.uniform(0.75, 1.15)),
            float(rng.choice([0, 0.5, 1], p=[0.5, 0.25, 0.25])),
            float(rng.uniform(-1, 1)),
        )

    def load(self) -> Load:
        rng, style = self.rng, self.style
        pack = chance(rng, style.pack_rate)
        wheels = Wheels(pick(rng, {0: 0.9, 1: 0.04, 2: 0.03, 3: 0.03}))
        return Load(
            pack=float(rng.uniform(0.65, 1.2)) if pack else 0.0,
            pack_width=float(rng.uniform(0.85, 1.15)),
            pack_colours=(self.colour(0.3), self.colour(0.4)),
            bag=Bag.NONE if wheels else Bag(pick(rng, style.bags)),
            bag_side=int(rng.choice([-1, 1])),
            bag_size=float(rng.uniform(0.06, 0.14)),
            bag_colours=(self.colour(0.28), self.colour(0.4)),
            wheels=wheels,
        )

    def outfit(self, body: Body) -> Outfit:
        rng = self.rng
        jacket = self.jacket()
        top = self.top(covered=jacket is not None and chance(rng, 0.7))
        skirt = self.skirt(body.woman > 0.5, top)
        bottom = self.bottom(skirt=skirt is not None)
        if skirt is not None and skirt.fabric is top.fabric:
            top = replace(top, hem=0.52)
        cut = self.hair(body)
        hat = Hat(pick(rng, self.style.hats[self.season]))
        if cut.style in (Hair.AFRO, Hair.SCARF):
            hat = Hat.NONE
        if hat != Hat.NONE and cut.style == Hair.BUN:
            cut = replace(cut, style=Hair.SHORT)
        winter = self.season == Season.WINTER
        scarf = chance(rng, 0.35 if winter else 0.05) or cut.style == Hair.SCARF
        return Outfit(
            top=top,
            jacket=jacket,
            bottom=bottom,
            skirt=skirt,
            shoes=self.shoes(shorts=bottom.hem > 0.2),
            face=self.face(body),
            cut=cut,
            hat=hat,
            hat_fabric=self.fabric(plain=0.8, vivid=0.3),
            scarf=self.fabric(plain=0.55, vivid=0.4) if scarf else None,
            load=self.load(),
        )


def in_family(own: Outfit, shared: Outfit, rng: Rng) -> Outfit:
    """`own`, dressed in the family's colours and patterns; parts, cut and hair stay its own."""

    def shade(fabric: Fabric) -> Fabric:
        one, two, three = (vary(rng, colour, 3) for colour in fabric.colours)
        return replace(fabric, colours=(one, two, three))

    top = replace(
        shared.top,
        fabric=shade(shared.top.fabric),
        sleeves=shade(shared.top.sleeves),
        thickness=own.top.thickness,
        sleeve_width=own.top.sleeve_width,
        hem=shared.top.hem + float(rng.normal(0, 0.008)),
        neck=own.top.neck,
        buttons=own.top.buttons,
    )
    jacket = shared.jacket
    if jacket is not None:
        jacket = replace(
            jacket,
            fabric=shade(jacket.fabric),
            sleeves=shade(jacket.sleeves),
            open=chance(rng, 0.4),
        )
    bottom = replace(
        shared.bottom,
        fabric=shade(shared.bottom.fabric),
        width=own.bottom.width if shared.skirt is None else shared.bottom.width,
    )
    skirt = shared.skirt and replace(shared.skirt, fabric=shade(shared.skirt.fabric))
    shoes = shared.shoes if chance(rng, 0.4) else own.shoes
    return replace(own, top=top, jacket=jacket, bottom=bottom, skirt=skirt, shoes=shoes)


def sample_gait(rng: Rng, body: Body, load: Load) -> Gait:
    modes = {Mode.SWING: 0.72, Mode.PHONE_LEFT: 0.04, Mode.PHONE_RIGHT: 0.06, Mode.POCKETS: 0.08,
             Mode.CARRY_FRONT: 0.03, Mode.STRAP: 0.02}  # fmt: skip
    mode = Mode(pick(rng, {int(key): weight for key, weight in modes.items()}))
    if load.wheels == Wheels.BICYCLE:
        mode = Mode.PUSH_LEFT if load.bag_side > 0 else Mode.PUSH_RIGHT
    elif load.wheels == Wheels.RIDDEN:
        mode = Mode.RIDE
    elif load.bag == Bag.HAND or load.wheels == Wheels.SUITCASE:
        mode = Mode.LOAD_LEFT if load.bag_side > 0 else Mode.LOAD_RIGHT
    slow = 0.75 if body.elder else 1.0
    return Gait(
        hip=float(rng.normal(22.5, 2.5)) * slow,
        knee=float(rng.normal(52, 6)) * slow,
        arm=max(3.0, float(rng.normal(20, 8)) * slow),
        elbow=max(4.0, float(rng.normal(22, 9))),
        lean=float(rng.normal(3, 2.5)) + 5 * body.elder,
        pelvis=float(rng.normal(6, 2)),
        sway=float(rng.normal(1.6 + 1.2 * body.woman, 0.9)),
        toe_out=float(rng.normal(8, 5)),
        nod=float(rng.normal(4, 5)),
        width=float(rng.normal(0.3, 1.1)) + 2 * body.fat,
        arm_spread=float(np.clip(rng.normal(5, 2), 1, 12)) + 8 * body.fat,
        hunch=max(0.0, float(rng.normal(3, 4))) + 10 * body.elder,
        cadence=float(rng.normal(0.95, 0.07)) * (0.9 if body.elder else 1.0),
        mode=mode,
    )
