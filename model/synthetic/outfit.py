"""What one person wears and carries, as plain data."""

from dataclasses import dataclass, replace
from enum import IntEnum

from model.synthetic.head import HairCut, Hat
from model.synthetic.prints import Colour, Fabric


class Season(IntEnum):
    SUMMER = 0
    MILD = 1
    WINTER = 2


class Neck(IntEnum):
    ROUND = 0
    DEEP = 1
    SHIRT = 2
    HIGH = 3


class Bag(IntEnum):
    NONE = 0
    HAND = 1
    SHOULDER = 2
    TOTE = 3
    WAIST = 4


class Wheels(IntEnum):
    NONE = 0
    BICYCLE = 1
    SUITCASE = 2
    RIDDEN = 3


@dataclass(frozen=True)
class Logo:
    """A picture on the chest or the back; sizes are fractions of the garment's page."""

    width: float
    height: float
    u: float
    v: float
    colour: Colour
    seed: int
    lettering: bool


@dataclass(frozen=True)
class Top:
    fabric: Fabric
    sleeves: Fabric
    thickness: float
    """between skin and cloth, a fraction of stature, like all lengths here"""
    sleeve_end: float
    sleeve_width: float
    hem: float
    flare: float
    neck: Neck
    trim: Colour
    buttons: bool
    logos: tuple[Logo, ...]


@dataclass(frozen=True)
class Jacket:
    fabric: Fabric
    sleeves: Fabric
    thickness: float
    sleeve_width: float
    hem: float
    flare: float
    open: bool
    gap: float
    """half angle of the opening at the hem when open, radians"""
    hood: bool
    quilted: bool
    trim: Colour
    logos: tuple[Logo, ...]


@dataclass(frozen=True)
class Bottom:
    fabric: Fabric
    hem: float
    """height of the trouser's end; above the hip there are none"""
    width: float
    flare: float
    stripe: Colour | None
    belt: Colour | None


@dataclass(frozen=True)
class Skirt:
    fabric: Fabric
    hem: float
    flare: float
    folds: int


@dataclass(frozen=True)
class Shoes:
    upper: Colour
    sole: Colour
    accent: Colour
    width: float
    shaft: float
    heel: float
    sporty: bool


@dataclass(frozen=True)
class Face:
    skin: Colour
    hair: Colour
    lips: float
    brows: float
    beard: float
    glasses: int
    """0 none, 1 clear, 2 dark"""
    mask: Colour | None
    age: float


@dataclass(frozen=True)
class Load:
    pack: float
    """size of a backpack, 0 for none"""
    pack_width: float
    pack_colours: tuple[Colour, Colour]
    bag: Bag
    bag_side: int
    bag_size: float
    bag_colours: tuple[Colour, Colour]
    wheels: Wheels
    """what is pushed or pulled along, at the bag's side"""


@dataclass(frozen=True)
class Outfit:
    top: Top
    jacket: Jacket | None
    bottom: Bottom
    skirt: Skirt | None
    shoes: Shoes
    face: Face
    cut: HairCut
    hat: Hat
    hat_fabric: Fabric
    scarf: Fabric | None
    load: Load

    def changed(self) -> "Outfit":
        """The same person a little later: the jacket opened or closed, or the bag put down."""
        if self.jacket is not None:
            return replace(self, jacket=replace(self.jacket, open=not self.jacket.open))
        if self.load.bag != Bag.NONE:
            return replace(self, load=replace(self.load, bag=Bag.NONE))
        if self.load.pack:
            return replace(self, load=replace(self.load, pack=0.0))
        return replace(self, hat=Hat.NONE if self.hat else Hat.CAP)
