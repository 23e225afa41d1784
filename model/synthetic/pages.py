"""The texture pages of a person: which picture covers which surface."""

from enum import IntEnum

PAGE_SIZE = 128
"""Texels per side of the sharpest level."""


class Page(IntEnum):
    HEAD = 0
    SKIN = 1
    HAIR = 2
    TOP = 3
    SLEEVE = 4
    JACKET = 5
    JACKET_SLEEVE = 6
    BOTTOM = 7
    SKIRT = 8
    SHOE = 9
    PACK = 10
    BAG = 11
    HAT = 12
    SCARF = 13
    METAL = 14


CLOTH = (Page.TOP, Page.SLEEVE, Page.JACKET, Page.JACKET_SLEEVE, Page.BOTTOM, Page.SKIRT)
"""Pages that wrinkle."""
