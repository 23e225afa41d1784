import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from model.learning import augment, autoaugment
from model.learning.augment import Donors
from model.learning.autoaugment import IMAGENET_POLICY, Step
from model.learning.clip import Clip
from model.learning.config import AugmentSettings

H, W = 32, 16
NOTHING = AugmentSettings(flip=0, crop_padding=0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clip(length: int = 3) -> Clip:
    """Frames of noise whose left half is the person, all of it visible in the first frame."""
    masks = np.zeros((length, H, W), np.float32)
    masks[:, :, : W // 2] = 1
    visible = np.linspace(1, 0.5, length, dtype=np.float32)
    return Clip(rng().integers(0, 256, (length, H, W, 3)).astype(np.uint8), masks, visible)


def donors() -> Donors:
    return Donors(lambda _: clip(1), patch_pool=100, seed=0)


def test_no_augmentation_changes_nothing() -> None:
    before = clip()

    after = augment.augment(before, NOTHING, donors(), rng())

    assert (after.frames == before.frames).all()
    assert augment.remaining_visible(before, after).tolist() == pytest.approx([1, 0.75, 0.5])


def test_flip_mirrors_frames_and_masks_together() -> None:
    after = augment.augment(clip(), NOTHING.model_copy(update={"flip": 1}), donors(), rng())

    assert (after.frames == clip().frames[:, :, ::-1]).all()
    assert after.masks is not None
    assert after.masks[:, :, W // 2 :].all()


def test_the_crop_is_one_for_all_frames_and_masks() -> None:
    before = clip(2)
    before.frames[1] = before.frames[0]

    after = augment.pad_and_crop(before, 4, rng(3))

    assert after.frames.shape == before.frames.shape
    assert (after.frames[0] == after.frames[1]).all()
    assert not (after.frames[0] == before.frames[0]).all()
    assert after.masks is not None
    padded = np.full((H + 8, W + 8, 3), 0, np.uint8)
    padded[:] = augment.MEAN_COLOUR
    padded[4:-4, 4:-4] = before.frames[0]
    windows = [(t, x) for t in range(9) for x in range(9)]
    found = [(t, x) for t, x in windows if (padded[t : t + H, x : x + W] == after.frames[0]).all()]
    assert len(found) == 1
    mask = np.pad(np.asarray(clip().masks)[0], 4)
    top, left = found[0]
    assert (after.masks[0] == mask[top : top + H, left : left + W]).all()


def test_erasing_is_within_its_area_and_differs_between_frames() -> None:
    settings = NOTHING.model_copy(update={"erasing": 1.0})

    after = augment.augment(clip(40), settings, donors(), rng())

    erased = (after.frames == augment.MEAN_COLOUR).all(-1).mean((1, 2))
    assert (erased >= 0.015).all()
    assert (erased <= 0.42).all()
    assert len(set(erased.tolist())) > 10


def test_what_is_covered_is_no_longer_visible() -> None:
    before = clip(20)
    settings = NOTHING.model_copy(update={"erasing": 1.0})

    after = augment.augment(before, settings, donors(), rng())
    remaining = augment.remaining_visible(before, after)

    assert before.masks is not None
    assert after.masks is not None
    assert before.visible is not None
    lost = 1 - after.masks.sum((1, 2)) / before.masks.sum((1, 2))
    assert lost.max() > 0.1
    assert remaining == pytest.approx(before.visible * (1 - lost), abs=1e-5)


def test_patches_come_from_the_pool_whatever_worker_asks() -> None:
    first = [donors().patch(rng(k), (0.01, 0.5)) for k in range(20)]
    again = [donors().patch(rng(k), (0.01, 0.5)) for k in range(20)]

    for one, two in zip(first, again, strict=True):
        assert (one is None) == (two is None)
        if one is not None and two is not None:
            assert (one == two).all()
            assert 0.01 * H * W * 0.5 <= one.shape[0] * one.shape[1] <= 0.55 * H * W


@pytest.mark.parametrize("seed", range(30))
def test_a_random_box_is_inside_with_its_area_and_aspect(seed: int) -> None:
    box = augment.random_box(256, 128, (0.02, 0.4), 0.3, rng(seed))

    assert box is not None
    h, w = box[0].stop - box[0].start, box[1].stop - box[1].start
    assert 0 <= box[0].start < box[0].stop <= 256
    assert 0 <= box[1].start < box[1].stop <= 128
    assert 0.019 < h * w / (256 * 128) < 0.41
    assert 0.28 < h / w < 3.5


def test_background_swap_keeps_the_person_and_takes_the_rest_from_the_donor() -> None:
    before = clip()
    donor = Clip(np.full((1, H, W, 3), 77, np.uint8), np.zeros((1, H, W), np.float32))

    after = augment.swap_background(before, donor)

    assert (after.frames[:, :, : W // 2] == before.frames[:, :, : W // 2]).all()
    assert (after.frames[:, :, W // 2 :] == 77).all()


def test_the_donors_own_person_is_painted_over() -> None:
    frame = np.full((H, W, 3), 50, np.uint8)
    mask = np.zeros((H, W), np.float32)
    frame[8:24, 4:12], mask[8:24, 4:12] = 250, 1

    scene = augment.without_person(frame, mask)

    assert abs(scene.astype(int) - 50).max() <= 1


def test_the_policy_has_twenty_five_pairs() -> None:
    assert len(IMAGENET_POLICY) == 25


def picture() -> NDArray[np.uint8]:
    """Smooth colours with some noise, none of whose channels is full range."""
    y, x = np.mgrid[0:H, 0:W]
    smooth = np.stack([40 + 5 * y, 220 - 8 * x, 60 + 2 * (x + y)], -1)
    return (smooth + rng(5).integers(-10, 10, smooth.shape)).clip(0, 255).astype(np.uint8)


PILLOW = {
    ("colour", 8, 1): lambda p: ImageEnhance.Color(p).enhance(1.8),
    ("colour", 4, -1): lambda p: ImageEnhance.Color(p).enhance(0.6),
    ("contrast", 8, 1): lambda p: ImageEnhance.Contrast(p).enhance(1.8),
    ("contrast", 8, -1): lambda p: ImageEnhance.Contrast(p).enhance(0.2),
    ("sharpness", 7, 1): lambda p: ImageEnhance.Sharpness(p).enhance(1.7),
    ("posterize", 8, 1): lambda p: ImageOps.posterize(p, 4),
    ("posterize", 5, 1): lambda p: ImageOps.posterize(p, 6),
    ("solarize", 5, 1): lambda p: ImageOps.solarize(p, 255 - 5 * 255 / 9),
    ("autocontrast", 0, 1): ImageOps.autocontrast,
    ("equalize", 0, 1): ImageOps.equalize,
    ("invert", 0, 1): ImageOps.invert,
    ("rotate", 9, 1): lambda p: p.rotate(30, fillcolor=(128, 128, 128)),
    ("shear", 5, 1): lambda p: p.transform(
        p.size, Image.Transform.AFFINE, (1, 0.3 * 5 / 9, 0, 0, 1, 0), fillcolor=(128, 128, 128)
    ),
}


@pytest.mark.parametrize("case", PILLOW, ids=str)
def test_operations_mean_what_pillows_mean(case: tuple[autoaugment.Operation, int, int]) -> None:
    operation, magnitude, sign = case
    before = Clip(picture()[None])

    after = autoaugment.apply(before, Step(operation, 1, magnitude), sign).frames[0]

    expected = np.asarray(PILLOW[case](Image.fromarray(picture())))
    difference = abs(after.astype(int) - expected.astype(int))
    if operation in {"rotate", "shear"}:
        # Nearest-neighbour sampling rounds positions differently at the edges of pixels.
        assert (difference.max(-1) > 24).mean() < 0.06
    else:
        assert difference.max() <= 1


def test_masks_move_with_the_pixels() -> None:
    marked = Clip(np.zeros((1, H, W, 3), np.uint8), np.zeros((1, H, W), np.float32))
    marked.frames[0, 10:16, 4:10] = 255
    marked.frames[0, :2] = 0
    assert marked.masks is not None
    marked.masks[0, 10:16, 4:10] = 1

    after = autoaugment.apply(marked, Step("rotate", 1, 9))

    assert after.masks is not None
    assert ((after.frames[0, ..., 0] == 255) == (after.masks[0] == 1)).all()


def test_smoothing_is_pillows() -> None:
    expected = np.asarray(Image.fromarray(picture()).filter(ImageFilter.SMOOTH))

    assert abs(autoaugment.smooth(picture()).astype(int) - expected.astype(int)).max() <= 1
