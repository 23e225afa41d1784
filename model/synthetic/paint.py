"""Paints a person's texture pages: face, hair, clothes with their details, shoes and bags."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.synthetic.garments import COLLAR
from model.synthetic.head import FACE_BOTTOM, FACE_TOP, Hair, HairCut, hair_line
from model.synthetic.noise import band_noise
from model.synthetic.outfit import Bag, Face, Jacket, Load, Logo, Neck, Outfit, Top
from model.synthetic.pages import CLOTH, PAGE_SIZE, Page
from model.synthetic.prints import Colour, Fabric, Picture, weave

S = PAGE_SIZE
Mask = NDArray[Any]


@dataclass(frozen=True)
class Paint:
    """What covers a person."""

    pages: tuple[Picture, ...]
    """mip levels, sharpest first: [P, 128, 128, 3], [P, 64, 64, 3], [P, 32, 32, 3]"""
    gloss: NDArray[np.float32]
    """[P]"""
    crease: NDArray[np.float32]
    """[P]"""


def paint_person(outfit: Outfit, seed: int) -> Paint:
    """All pages of one outfit; `seed` feeds strands, stains and stitches."""
    rng = np.random.default_rng(seed)
    pages = np.full((len(Page), S, S, 3), 128, np.uint8)
    gloss, crease = np.zeros(len(Page), np.float32), np.zeros(len(Page), np.float32)
    face = outfit.face
    pages[Page.SKIN] = _skin(face.skin, rng)
    pages[Page.HEAD] = _head(face, outfit.cut, rng)
    pages[Page.HAIR] = _hair(face.hair, rng)
    pages[Page.TOP] = _top(outfit.top, face.skin)
    pages[Page.SLEEVE] = _sleeve(outfit.top.sleeves, outfit.top.trim)
    pages[Page.BOTTOM] = _bottom(outfit, rng)
    pages[Page.SHOE] = _shoe(outfit, rng)
    pages[Page.METAL] = 40
    outer = Page.TOP
    if outfit.jacket is not None:
        outer = Page.JACKET
        pages[Page.JACKET] = _jacket(outfit.jacket)
        pages[Page.JACKET_SLEEVE] = _sleeve(outfit.jacket.sleeves, outfit.jacket.trim)
        gloss[[Page.JACKET, Page.JACKET_SLEEVE]] = outfit.jacket.fabric.gloss
    _straps(pages[outer], outfit)
    if outfit.skirt is not None:
        pages[Page.SKIRT] = weave(outfit.skirt.fabric)
    pages[Page.PACK] = _pack(outfit.load, rng)
    pages[Page.BAG] = _bag(outfit.load, rng)
    pages[Page.HAT] = weave(outfit.hat_fabric)
    if outfit.scarf is not None:
        pages[Page.SCARF] = weave(outfit.scarf)
    gloss[Page.HAIR], gloss[Page.SHOE], gloss[Page.BAG] = 0.16, 0.10, 0.12
    gloss[[Page.HEAD, Page.SKIN]] = 0.05
    for page in CLOTH:
        crease[page] = 0.9 * outfit.top.fabric.crease
    crease[Page.BOTTOM] = outfit.bottom.fabric.crease
    if outfit.jacket is not None:
        crease[[Page.JACKET, Page.JACKET_SLEEVE]] = outfit.jacket.fabric.crease
    crease[Page.SCARF], crease[Page.PACK] = 1.2, 0.35
    return Paint(_levels(pages), gloss, crease)


def _levels(pages: Picture) -> tuple[Picture, ...]:
    levels = [pages]
    for _ in range(2):
        fine = levels[-1].astype(np.uint16)
        coarse = fine[:, ::2, ::2] + fine[:, 1::2, ::2] + fine[:, ::2, 1::2] + fine[:, 1::2, 1::2]
        levels.append((coarse // 4).astype(np.uint8))
    return tuple(np.ascontiguousarray(level) for level in levels)


def _tone(colour: Colour, factor: float) -> Colour:
    r, g, b = (int(np.clip(channel * factor, 0, 255)) for channel in colour)
    return r, g, b


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    r, g, c = (int(x * (1 - share) + y * share) for x, y in zip(a, b, strict=True))
    return r, g, c


def _blend(page: Picture, colour: Colour, alpha: Mask) -> None:
    """Mix a colour in; only the rows that `alpha` [H, W] touches are worked on."""
    rows = np.flatnonzero(alpha.max(1) > 0.004)
    if not len(rows):
        return
    band = slice(rows[0], rows[-1] + 1)
    share = alpha[band, :, None].astype(np.float32)
    page[band] = page[band] * (1 - share) + np.array(colour, np.float32) * share


def _skin(colour: Colour, rng: np.random.Generator) -> Picture:
    tone = 1 + 0.03 * band_noise(rng, S, 5)[..., None]
    return np.asarray(np.clip(np.array(colour) * tone, 0, 255), np.uint8)


def _face_row(y: float) -> int:
    """Row of the doubled head page at `y` metres above the chin."""
    return round((FACE_TOP - y) / (FACE_TOP - FACE_BOTTOM) * 2 * S)


def _head(face: Face, cut: HairCut, rng: np.random.Generator) -> Picture:
    """Drawn at twice the size; the face looks out of the middle."""
    skin = cv2.resize(_skin(face.skin, rng), (2 * S, 2 * S), interpolation=cv2.INTER_LINEAR)
    page: Picture = np.asarray(skin, np.uint8)
    steps = (np.arange(2 * S, dtype=np.float32) + 0.5) / (2 * S)
    y = FACE_TOP - steps[:, None] * np.float32(FACE_TOP - FACE_BOTTOM)
    theta = (steps[None] - 0.5) * np.float32(2 * np.pi)
    _shade_face(page, face, y, theta)
    _features(page, face)
    if face.beard:
        jaw = np.clip((0.062 - y) / 0.014, 0, 1) * np.clip((1.25 - np.abs(theta)) / 0.2, 0, 1)
        moustache = np.exp(-(((y - 0.056) / 0.006) ** 2)) * (np.abs(theta) < 0.32)
        lips = np.exp(-(((y - 0.043) / 0.007) ** 2) - (theta / 0.2) ** 2)
        cover = np.clip(np.maximum(jaw, moustache) - lips, 0, 1)
        _blend(page, _mix(face.hair, face.skin, 0.25), cover * face.beard * 0.85)
    if cut.style not in (Hair.BALD, Hair.SCARF):
        scalp = np.clip((y - hair_line(theta, cut)) / 0.006 + 0.6, 0, 1)
        _blend(page, _tone(face.hair, 0.8), scalp)
        side = np.exp(-(((np.abs(theta) - 1.25) / 0.10) ** 2)) * (y > 0.075) * (y < 0.13)
        _blend(page, _tone(face.hair, 0.85), 0.7 * side)
    if face.mask is not None:
        lower = (y < 0.086) & (y > -0.008) & (np.abs(theta) < 1.05)
        _blend(page, face.mask, lower.astype(np.float32))
        cv2.line(page, (2 * S // 6, _face_row(0.07)), (10 * S // 6, _face_row(0.07)), face.mask, 2)
    return np.asarray(cv2.resize(page, (S, S), interpolation=cv2.INTER_AREA), np.uint8)


def _shade_face(page: Picture, face: Face, y: Mask, theta: Mask) -> None:
    side = np.abs(theta)
    dark, rosy = _tone(face.skin, 0.66), _mix(face.skin, (190, 90, 80), 0.35)
    sockets = np.exp(-(((y - 0.114) / 0.013) ** 2) - ((side - 0.34) / 0.22) ** 2)
    _blend(page, dark, 0.5 * sockets)
    cheeks = np.exp(-(((y - 0.07) / 0.018) ** 2) - ((side - 0.55) / 0.22) ** 2)
    _blend(page, rosy, 0.45 * cheeks)
    nostril = np.exp(-(((y - 0.066) / 0.005) ** 2) - ((side - 0.07) / 0.10) ** 2)
    _blend(page, dark, 0.6 * nostril)
    bridge = np.exp(-(((side - 0.15) / 0.05) ** 2)) * (y > 0.07) * (y < 0.115)
    _blend(page, dark, 0.30 * bridge)
    under = np.clip((0.004 - y) / 0.02, 0, 1) * np.ones_like(theta)
    _blend(page, dark, 0.6 * under)
    lines = np.exp(
        -(((y - 0.055 + 0.03 * (side - 0.3)) / 0.003) ** 2) - ((side - 0.38) / 0.08) ** 2
    )
    _blend(page, dark, face.age * 0.6 * lines)


def _features(page: Picture, face: Face) -> None:
    """Eyes, brows, lips and glasses, at 256 texels around the head."""
    middle, row = S, _face_row(0.112)
    brow = _mix(face.hair, (30, 25, 22), 0.5)
    for side in (-1, 1):
        x = middle + side * 14
        cv2.ellipse(page, (x, row), (6, 5), 0, 0, 360, (226, 222, 216), -1, cv2.LINE_AA)
        cv2.circle(page, (x, row), 4, (44, 32, 26), -1, cv2.LINE_AA)
        cv2.ellipse(page, (x, row - 1), (7, 6), 0, 180, 360, _tone(face.skin, 0.3), 2, cv2.LINE_AA)
        height, thick = _face_row(0.128), round(1 + 3 * face.brows)
        start, stop = (x - side * 7, height), (x + side * 8, height - 1)
        cv2.line(page, start, stop, brow, thick, cv2.LINE_AA)
    lips = _mix(_tone(face.skin, 0.72), (176, 40, 52), face.lips)
    mouth = _face_row(0.043)
    cv2.ellipse(page, (middle, mouth), (11, 6), 0, 0, 360, lips, -1, cv2.LINE_AA)
    cv2.line(page, (middle - 11, mouth), (middle + 11, mouth), _tone(lips, 0.5), 2, cv2.LINE_AA)
    if face.glasses:
        for side in (-1, 1):
            low, high = (middle + side * 14 - 11, row - 11), (middle + side * 14 + 11, row + 12)
            cv2.rectangle(page, low, high, (22, 20, 20), -1 if face.glasses == 2 else 2)
            cv2.line(
                page, (middle + side * 24, row - 4), (middle + side * 62, row - 8), (22, 20, 20), 3
            )
        cv2.line(page, (middle - 4, row - 4), (middle + 4, row - 4), (22, 20, 20), 3)


def _hair(colour: Colour, rng: np.random.Generator) -> Picture:
    strands = band_noise(rng, S, 20, 0.2) + 0.6 * band_noise(rng, S, 8, 0.35)
    shine = 0.12 * np.exp(-(((np.arange(S) - 40) / 10.0) ** 2))[:, None]
    depth = 0.20 - 0.11 * max(colour) / 255
    tone = np.clip(1 + depth * strands + shine, 0.4, 1.6)[..., None]
    return np.asarray(np.clip(np.array(colour) * tone, 0, 255), np.uint8)


def _row(y: float, hem: float) -> int:
    return round((COLLAR - y) / (COLLAR - hem) * S)


def _logo(page: Picture, logo: Logo) -> None:
    """Lettering or an emblem; drawn apart and pasted, so that it may cross the page's edge."""
    w, h = max(4, round(logo.width * S)), max(4, round(logo.height * S * 1.2))
    rng = np.random.default_rng(logo.seed)
    x0, y0 = round(logo.u * S - w / 2), round(logo.v * S)
    columns = np.arange(x0, x0 + w) % S
    patch = page[y0 : y0 + h][:, columns].copy()
    if not patch.size:
        return
    if logo.lettering:
        letters = "".join(chr(65 + int(k)) for k in rng.integers(0, 26, rng.integers(2, 6)))
        size = patch.shape[1] / (19.0 * len(letters))
        at = (0, min(patch.shape[0] - 1, round(24 * size) + 1))
        cv2.putText(patch, letters, at, cv2.FONT_HERSHEY_DUPLEX, size, logo.colour, 2, cv2.LINE_AA)
    else:
        _emblem(patch, logo.colour, rng)
    page[y0 : y0 + h, columns] = patch


def _emblem(patch: Picture, colour: Colour, rng: np.random.Generator) -> None:
    h, w = patch.shape[:2]
    for _ in range(int(rng.integers(2, 7))):
        tint = _tone(colour, float(rng.uniform(0.4, 1.3)))
        centre = (int(rng.uniform(0.2, 0.8) * w), int(rng.uniform(0.2, 0.8) * h))
        axes = (max(1, int(rng.uniform(0.1, 0.45) * w)), max(1, int(rng.uniform(0.1, 0.45) * h)))
        if rng.random() < 0.6:
            cv2.ellipse(patch, centre, axes, rng.uniform(0, 180), 0, 360, tint, -1, cv2.LINE_AA)
        else:
            corner = (centre[0] + axes[0], centre[1] + axes[1])
            cv2.rectangle(patch, centre, corner, tint, -1)


def _opening(page: Picture, skin: Colour, neck: Neck, trim: Colour, hem: float) -> None:
    """What the neckline leaves open, and its edge. The page's middle column is the front."""
    middle = S // 2
    if neck == Neck.DEEP:
        drop = _row(0.775, hem)
        triangle = np.array([(middle - 13, 0), (middle + 13, 0), (middle, drop)])
        cv2.fillPoly(page, [triangle], skin, cv2.LINE_AA)
    elif neck == Neck.ROUND:
        cv2.ellipse(page, (middle, 0), (18, _row(0.815, hem)), 0, 0, 360, skin, -1, cv2.LINE_AA)
        cv2.ellipse(page, (middle, 0), (19, _row(0.812, hem)), 0, 0, 360, trim, 1, cv2.LINE_AA)
    elif neck == Neck.SHIRT:
        drop = _row(0.80, hem)
        cv2.fillPoly(
            page, [np.array([(middle - 8, 0), (middle + 8, 0), (middle, drop)])], skin, cv2.LINE_AA
        )
        for side in (-1, 1):
            flap = np.array([(middle + side * 7, 0), (middle + side * 22, 0),
                             (middle + side * 15, drop), (middle + side, drop - 3)])  # fmt: skip
            cv2.fillPoly(page, [flap], trim, cv2.LINE_AA)


def _shadow_line(page: Picture, start: tuple[int, int], stop: tuple[int, int], width: int) -> None:
    tone = _tone(tuple(int(c) for c in page[S // 2, S // 3]), 0.55)  # type: ignore[arg-type]
    cv2.line(page, start, stop, tone, width, cv2.LINE_AA)


def _top(top: Top, skin: Colour) -> Picture:
    page = weave(top.fabric)
    middle = S // 2
    if top.neck == Neck.ROUND and top.buttons:
        _shadow_line(page, (middle, 0), (middle, S), 1)
    for logo in top.logos:
        _logo(page, logo)
    _opening(page, skin, top.neck, top.trim, top.hem)
    if top.buttons:
        _shadow_line(page, (middle, _row(0.79, top.hem)), (middle, S), 1)
        for y in np.arange(0.78, top.hem, -0.045):
            cv2.circle(page, (middle, _row(float(y), top.hem)), 1, top.trim, -1)
    _shadow_line(page, (0, S - 3), (S, S - 3), 1)
    return page


def _sleeve(fabric: Fabric, trim: Colour) -> Picture:
    page = weave(fabric)
    _shadow_line(page, (0, S - 5), (S, S - 5), 1)
    if fabric.seed % 5 == 0:
        page[S - 7 :] = trim
    return page


def _jacket(jacket: Jacket) -> Picture:
    page = weave(jacket.fabric)
    middle, hem = S // 2, jacket.hem
    if jacket.quilted:
        for y in np.arange(0.84, hem, -1 / 26):
            _shadow_line(page, (0, _row(float(y), hem)), (S, _row(float(y), hem)), 1)
    for logo in jacket.logos:
        _logo(page, logo)
    if not jacket.open:
        _shadow_line(page, (middle, 0), (middle, S), 2)
        cv2.line(page, (middle + 1, 0), (middle + 1, S), jacket.trim, 1)
        if jacket.fabric.seed % 3 == 0:
            for y in np.arange(0.80, hem, -0.06):
                cv2.circle(page, (middle + 3, _row(float(y), hem)), 2, jacket.trim, -1)
    for side in (-1, 1):
        x, y = middle + side * 17, _row(0.58, hem)
        _shadow_line(page, (x - 5, y), (x + 5, y + side * 2), 1)
    _shadow_line(page, (0, S - 4), (S, S - 4), 2)
    _shadow_line(page, (0, _row(0.845, hem)), (S, _row(0.845, hem)), 1)
    return page


def _bottom(outfit: Outfit, rng: np.random.Generator) -> Picture:
    """Hips and both legs share the page; rows run from the waist to the ground."""
    bottom = outfit.bottom
    page = weave(bottom.fabric)
    _shadow_line(page, (S // 2, 8), (S // 2, 34), 1)
    for side in (-1, 1):
        _shadow_line(page, (S // 2 + side * 16, 8), (S // 2 + side * 26, 24), 1)
        _shadow_line(page, (S // 2 + side * 32, 8), (S // 2 + side * 32, S), 1)
        back = (S // 2 + side * 44, 20)
        _shadow_line(page, (back[0] - 6, back[1]), (back[0] + 6, back[1]), 1)
    if bottom.stripe is not None:
        for side in (-1, 1):
            x = S // 2 + side * 32
            cv2.rectangle(page, (x - 2, 6), (x + 2, S), bottom.stripe, -1)
    if bottom.belt is not None:
        page[6:11] = bottom.belt
    worn = 1 + 0.05 * band_noise(rng, S, 3)[..., None]
    return np.clip(page * worn, 0, 255).astype(np.uint8)


def _shoe(outfit: Outfit, rng: np.random.Generator) -> Picture:
    shoes = outfit.shoes
    page = np.full((S, S, 3), shoes.upper, np.uint8)
    if shoes.sporty:
        cv2.line(page, (S // 2 - 12, 30), (S // 2 - 26, 66), shoes.accent, 5, cv2.LINE_AA)
        cv2.line(page, (S // 2 + 12, 30), (S // 2 + 26, 66), shoes.accent, 5, cv2.LINE_AA)
        page[:14] = _tone(shoes.accent, 0.8)
        for row in range(40, 64, 6):
            cv2.line(page, (S // 2 - 9, row), (S // 2 + 9, row), (230, 230, 228), 2)
        page[80:90] = _tone(shoes.upper, 0.85)
    page = np.clip(page * (1 + 0.06 * band_noise(rng, S, 9)[..., None]), 0, 255).astype(np.uint8)
    page[102:] = shoes.sole
    return page


def _straps(page: Picture, outfit: Outfit) -> None:
    """Straps of packs and bags, on whatever is worn outermost."""
    load, middle = outfit.load, S // 2
    if load.pack:
        dark = _tone(load.pack_colours[0], 0.6)
        for side in (-1, 1):
            points = [(middle + side * 15, 0), (middle + side * 14, S * 2 // 5),
                      (middle + side * 30, S * 3 // 5)]  # fmt: skip
            cv2.polylines(page, [np.array(points)], False, dark, 5, cv2.LINE_AA)
    if load.bag in (Bag.SHOULDER, Bag.TOTE):
        dark = _tone(load.bag_colours[0], 0.7)
        near, far = middle + load.bag_side * 30, middle - load.bag_side * 14
        if load.bag == Bag.TOTE:
            far = middle + load.bag_side * 20
        cv2.line(page, (far, 0), (near, S), dark, 3, cv2.LINE_AA)
        cv2.line(page, (far + S - 2 * (far % S), 0), (near + load.bag_side * 4, S), dark, 3)
    if load.bag == Bag.WAIST:
        row = _row(0.575, outfit.jacket.hem if outfit.jacket else outfit.top.hem)
        page[max(row - 2, 0) : row + 2] = _tone(load.bag_colours[0], 0.6)


def _pack(load: Load, rng: np.random.Generator) -> Picture:
    """The back of a backpack is at u = 0 and 1."""
    main, second = load.pack_colours
    page = np.full((S, S, 3), main, np.uint8)
    page[72:] = _mix(main, second, float(rng.choice([0, 0.3, 1.0])))
    for row in (22, 74):
        page[row : row + 2] = _tone(main, 0.45)
    page[40:46, :8] = second
    page[40:46, -8:] = second
    page[:, 34:38] = _tone(main, 0.6)
    page[:, 90:94] = _tone(main, 0.6)
    return np.clip(page * (1 + 0.05 * band_noise(rng, S, 10)[..., None]), 0, 255).astype(np.uint8)


def _bag(load: Load, rng: np.random.Generator) -> Picture:
    main, second = load.bag_colours
    page = np.full((S, S, 3), main, np.uint8)
    style = int(rng.integers(4))
    if style == 1:
        page[:30] = second
    elif style == 2:
        _logo(page, Logo(0.3, 0.3, 0.25, 0.35, second, int(rng.integers(999)), True))
        _logo(page, Logo(0.3, 0.3, 0.75, 0.35, second, int(rng.integers(999)), False))
    elif style == 3:
        page[28:32] = _tone(main, 0.5)
        cv2.rectangle(page, (26, 30), (36, 40), second, -1)
        cv2.rectangle(page, (90, 30), (100, 40), second, -1)
    return np.clip(page * (1 + 0.05 * band_noise(rng, S, 8)[..., None]), 0, 255).astype(np.uint8)
