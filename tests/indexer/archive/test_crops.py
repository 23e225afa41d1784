from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.archive.crops import cut_out
from indexer.archive.tracks import Row, gather
from model.bundle import Manifest
from model.clip import ClipFrame


@pytest.fixture
def manifest(fake_bundle: Path) -> Manifest:
    """32 frames of 64 x 32 pixels."""
    return Manifest.load(fake_bundle)


class Video:
    """n frames of 80 x 100 pixels, ten a second; frame k is of the colour k throughout."""

    def __init__(self, n: int) -> None:
        self.n, self.read = n, 0

    def __iter__(self) -> Iterator[ClipFrame]:
        for index in range(self.n):
            self.read += 1
            yield ClipFrame(index, index / 10, np.full((80, 100, 3), index, dtype=np.uint8))


def rows(track: int, first: int, last: int, *, x: float = 10, y: float = 5) -> list[Row]:
    return [(frame, track, x, y, 20, 40) for frame in range(first, last + 1)]


def test_every_frame_of_a_short_track_is_cut_out(manifest: Manifest) -> None:
    (cut,) = cut_out(Video(30), gather(rows(1, 3, 7)), manifest)

    assert cut.decoded is not None
    assert cut.decoded.frames.shape == (5, 64, 32, 3)
    assert cut.decoded.frames[:, 0, 0, 0].tolist() == [3, 4, 5, 6, 7]
    assert (cut.decoded.received, cut.decoded.sampled) == (5, (0, 1, 2, 3, 4))
    assert (cut.begins, cut.ends) == (0.3, 0.7)


def test_a_long_track_is_sampled(manifest: Manifest) -> None:
    (cut,) = cut_out(Video(200), gather(rows(1, 0, 127)), manifest)

    assert cut.decoded is not None
    assert cut.decoded.received == 128
    assert cut.decoded.sampled == tuple(range(1, 128, 4))
    assert cut.decoded.frames[:, 0, 0, 0].tolist() == list(range(1, 128, 4))


def test_tracks_come_as_they_end_and_nothing_more_is_read(manifest: Manifest) -> None:
    video = Video(200)

    cuts = list(cut_out(video, gather([*rows(1, 0, 20), *rows(2, 5, 9), *rows(3, 0, 9)]), manifest))

    assert [cut.track.number for cut in cuts] == [2, 3, 1]
    assert video.read == 21


def test_a_box_that_leaves_the_picture_is_cut_at_its_edge(manifest: Manifest) -> None:
    (cut,) = cut_out(Video(5), gather(rows(1, 0, 4, x=-15)), manifest)

    assert cut.decoded is not None
    assert cut.decoded.received == 5


def test_a_track_outside_the_picture_has_no_frames(manifest: Manifest) -> None:
    (cut,) = cut_out(Video(5), gather(rows(1, 0, 4, x=500)), manifest)

    assert cut.decoded is None


def test_a_video_that_ends_early_leaves_what_it_showed(manifest: Manifest) -> None:
    ended, unseen = cut_out(Video(5), gather([*rows(1, 0, 9), *rows(2, 8, 12)]), manifest)

    assert ended.decoded is not None
    assert ended.decoded.sampled == (0, 1, 2, 3, 4)
    assert (ended.begins, ended.ends) == (0.0, 0.4)
    assert unseen.decoded is None


def test_a_video_without_a_frame_shows_nobody(manifest: Manifest) -> None:
    (cut,) = cut_out(Video(0), gather(rows(1, 0, 4)), manifest)

    assert cut.decoded is None


def test_boxes_wider_than_high_are_counted(manifest: Manifest) -> None:
    wide: list[Row] = [(frame, 1, 10, 5, 60, 20) for frame in range(4)]

    (cut,) = cut_out(Video(5), gather(wide), manifest)

    assert cut.decoded is not None
    assert cut.decoded.looks_uncropped
