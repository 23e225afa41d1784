"""Cut-out pictures for a scene's cards: leaves, bicycles, railings, cars; RGBA [512, 512, 4]."""

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 512
Rng = np.random.Generator
Picture = NDArray[np.uint8]


def leaves(rng: Rng) -> Picture:
    page = np.zeros((SIZE, SIZE, 4), np.uint8)
    base = np.array(
        ((74, 98, 50), (96, 104, 56), (62, 84, 56), (118, 100, 52))[int(rng.integers(4))]
    )
    for layer in range(5):
        for _ in range(170):
            a, r = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random()) * 225
            x, y = int(256 + r * np.cos(a)), int(256 + r * np.sin(a))
            tone = np.clip(base * rng.uniform(0.5, 0.9) * (0.55 + 0.18 * layer), 4, 240)
            axes = (int(rng.integers(9, 22)), int(rng.integers(4, 10)))
            colour = (*tone.tolist(), 255)
            cv2.ellipse(page, (x, y), axes, rng.uniform(0, 180), 0, 360, colour, -1)
    return page


def _wheel(page: Picture, at: tuple[int, int], radius: int, tone: tuple[int, ...]) -> None:
    cv2.circle(page, at, radius, (26, 26, 28, 255), 7, cv2.LINE_AA)
    cv2.circle(page, at, radius - 6, (130, 130, 132, 255), 2, cv2.LINE_AA)
    for k in range(8):
        a = np.pi * k / 4
        tip = (int(at[0] + radius * np.cos(a)), int(at[1] + radius * np.sin(a)))
        cv2.line(page, at, tip, tone, 1, cv2.LINE_AA)


def bicycles(rng: Rng) -> Picture:
    """A row of parked bicycles."""
    page = np.zeros((SIZE, SIZE, 4), np.uint8)
    for shift in (-30, 40):
        r, g, b = (int(v) for v in np.clip(rng.normal(90, 40) + rng.normal(0, 15, 3), 10, 230))
        tone = (r, g, b, 255)
        back, front = (130 + shift, 380), (370 + shift, 380)
        for wheel in (back, front):
            _wheel(page, wheel, 104, (120, 120, 120, 255))
        seat, bar, pedal = (190 + shift, 210), (335 + shift, 200), (235 + shift, 385)
        for a, c in (
            (back, seat),
            (back, pedal),
            (pedal, seat),
            (seat, bar),
            (pedal, bar),
            (bar, front),
        ):
            cv2.line(page, a, c, tone, 9, cv2.LINE_AA)
        cv2.line(page, (seat[0] - 26, 200), (seat[0] + 26, 200), (24, 24, 24, 255), 14)
        cv2.line(page, bar, (bar[0] + 34, 172), (40, 40, 40, 255), 9)
    return page


def scooter(rng: Rng) -> Picture:
    page = np.zeros((SIZE, SIZE, 4), np.uint8)
    tone = (*(int(v) for v in np.clip(rng.normal(110, 50) + rng.normal(0, 13, 3), 10, 230)), 255)
    for x in (120, 400):
        cv2.circle(page, (x, 430), 66, (24, 24, 26, 255), -1, cv2.LINE_AA)
        cv2.circle(page, (x, 430), 30, (140, 140, 142, 255), -1, cv2.LINE_AA)
    body = np.array([(50, 380), (60, 270), (240, 250), (270, 390), (350, 390), (380, 160),
                     (420, 160), (440, 400), (300, 440), (190, 430)])  # fmt: skip
    cv2.fillPoly(page, [body], tone, cv2.LINE_AA)
    cv2.rectangle(page, (70, 236), (250, 268), (26, 24, 24, 255), -1)
    cv2.line(page, (400, 160), (350, 110), (30, 30, 30, 255), 14)
    return page


def railing(rng: Rng) -> Picture:
    page = np.zeros((SIZE, SIZE, 4), np.uint8)
    tone = (*(int(v) for v in np.clip(rng.normal(100, 30) + rng.normal(0, 8, 3), 20, 200)), 255)
    step = int(rng.choice([32, 43, 64]))
    for x in range(0, SIZE, step):
        cv2.rectangle(page, (x, 20), (x + 11, SIZE), tone, -1)
    for y in (6, 250, 480):
        cv2.rectangle(page, (0, y), (SIZE, y + 22), tone, -1)
    return page


def mesh_fence(rng: Rng) -> Picture:
    page = np.zeros((SIZE, SIZE, 4), np.uint8)
    for k in range(-SIZE, 2 * SIZE, 40):
        cv2.line(page, (k, 0), (k + SIZE, SIZE), (128, 130, 130, 255), 5, cv2.LINE_AA)
        cv2.line(page, (k + SIZE, 0), (k, SIZE), (128, 130, 130, 255), 5, cv2.LINE_AA)
    page[:14] = page[-14:] = (110, 112, 112, 255)
    return page


def car_side(rng: Rng) -> Picture:
    tones = (
        (188, 190, 192),
        (40, 42, 46),
        (112, 114, 118),
        (70, 78, 98),
        (118, 52, 48),
        (210, 208, 200),
    )
    page = np.zeros((SIZE, SIZE, 4), np.uint8)
    tone = (*tones[int(rng.integers(6))], 255)
    body = np.array([(8, 430), (10, 280), (90, 250), (160, 110), (350, 105), (440, 245), (504, 275),
                     (506, 430)])  # fmt: skip
    cv2.fillPoly(page, [body], tone, cv2.LINE_AA)
    for window in (((120, 245), (176, 130), (250, 126), (250, 245)),
                   ((266, 245), (266, 126), (340, 124), (410, 245))):  # fmt: skip
        cv2.fillPoly(page, [np.array(window)], (40, 46, 54, 255), cv2.LINE_AA)
    for x in (112, 402):
        cv2.circle(page, (x, 430), 62, (22, 22, 24, 255), -1, cv2.LINE_AA)
        cv2.circle(page, (x, 430), 34, (150, 152, 154, 255), -1, cv2.LINE_AA)
    cv2.line(page, (258, 128), (258, 420), (30, 30, 32, 255), 2)
    cv2.rectangle(page, (8, 290), (34, 320), (190, 60, 50, 255), -1)
    cv2.rectangle(page, (478, 290), (504, 318), (235, 232, 214, 255), -1)
    return page
