"""What is measured of attention, on models whose attention is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from model.datasets.tracklets import TrackletSource
from model.decode import encode_jpeg
from model.errors import InvalidParameter
from model.learning.attention import attention_report, watch
from model.learning.embed import Look
from tests.support.people import HEIGHT, WIDTH, MemoryFrames, tracklet


@dataclass(frozen=True)
class Known:
    """Frames that show nothing are black, those of the tracker's jumps too."""

    visible: NDArray[np.float32]
    foreign: NDArray[np.bool_]

    def person(self, index: int) -> NDArray[np.bool_]:
        return np.ones((4, 4), np.bool_)


class ByBrightness:
    """Weighs each frame by `power` of its brightness; embeds the weighted mean of halves."""

    size = (HEIGHT, WIDTH)

    def __init__(self, power: float) -> None:
        self.power = power

    def weights(self, clip: NDArray[np.uint8]) -> NDArray[np.float32]:
        light = (clip.mean((1, 2, 3)) + 1) ** self.power
        return (light / light.sum()).astype(np.float32)

    def embed(self, clips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        rows = []
        for clip in clips:
            halves = clip.reshape(len(clip), 2, -1, 3).mean(2).reshape(len(clip), -1) - 100
            vector = self.weights(clip) @ halves
            rows.append(vector / np.linalg.norm(vector))
        return np.array(rows, np.float32)

    def look(self, clip: NDArray[np.uint8]) -> Look:
        weights = self.weights(clip)
        even = np.full((len(clip), 2, 2), 0.25, np.float32)
        return Look(weights, even, even * weights[:, None, None])


def people(count: int = 20, frames: int = 6) -> list[TrackletSource]:
    """In each tracklet frame 1 is hidden (black) and frame 3 a jump (black)."""
    visible = np.array([1, 0, 0.9, 0, 0.8, 0.7], np.float32)[:frames]
    foreign = np.array([0, 0, 0, 1, 0, 0], np.bool_)[:frames]
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    dark = encode_jpeg(black)
    made = []
    for person in range(count):
        source = tracklet(person, person % 3, frames=frames)
        pictures = tuple(dark if visible[k] < 0.2 else source.frames.read(k) for k in range(frames))
        made.append(replace(source, frames=MemoryFrames(pictures), truth=Known(visible, foreign)))
    return made


def test_attention_that_follows_what_is_seen_is_told_from_even_attention() -> None:
    even = attention_report(watch(people(), ByBrightness(0), frames=8, most=20))
    keen = attention_report(watch(people(), ByBrightness(2), frames=8, most=20))

    for name in ("share_of_hidden_frames", "share_of_tracker_jumps", "share_of_clear_frames"):
        assert even[name]["value"] == pytest.approx(1, abs=1e-5)
    assert even["correlation_with_visible_share"]["value"] is None
    assert keen["share_of_hidden_frames"]["value"] < 0.05
    assert keen["share_of_tracker_jumps"]["value"] < 0.05
    assert keen["global_share_of_hidden_frames"]["value"] < 0.05
    assert keen["share_of_clear_frames"]["value"] > 1.3
    assert keen["correlation_with_visible_share"]["value"] > 0.8
    assert keen["effective_share_of_frames"]["value"] < 0.8
    assert even["effective_share_of_frames"]["value"] == pytest.approx(1, abs=1e-5)


def test_dropping_a_frame_counts_as_much_as_its_weight() -> None:
    keen = attention_report(watch(people(), ByBrightness(2), frames=8, most=20))
    even = attention_report(watch(people(), ByBrightness(0), frames=8, most=20))

    assert keen["deletion_correlation"]["value"] > 0.5
    assert keen["deletion_ratio"]["value"] > 5
    assert even["deletion_correlation"]["value"] is None


def test_a_stranger_takes_the_place_of_a_clear_frame_only() -> None:
    watched = watch(people(), ByBrightness(1), frames=8, most=20)

    assert len(watched) == 20
    for one in watched:
        assert one.stranger is not None
        assert one.visible[one.stranger.place] >= 0.6
        assert not one.foreign[one.stranger.place]
        assert one.stranger.temporal.sum() == pytest.approx(len(one.visible), abs=1e-4)


def test_figures_have_intervals_over_people_and_counts() -> None:
    report = attention_report(watch(people(), ByBrightness(1), frames=8, most=12))

    assert (report["tracklets"], report["people"], report["frames"]) == (12, 12, 72)
    assert (report["hidden_frames"], report["tracker_jumps"]) == (12, 12)
    low, high = report["share_of_clear_frames"]["interval_95"]
    assert low <= report["share_of_clear_frames"]["value"] <= high


def test_without_truth_nothing_is_measured() -> None:
    with pytest.raises(InvalidParameter, match="synthetic"):
        watch([tracklet(1, 0, truth=False)], ByBrightness(1), frames=8, most=5)
