"""The procedural world that synthesises tracklets for pre-training: people, places, cameras.

Needs the extra `synth` (numba). What other packages use:

    config = preset("small", seed=3)
    report = synthesise(config, Path("worlds/small"), workers=4)
    world = open_world(Path("worlds/small"))
    world.jpeg(0), world.visible[0], world.tracklets[0].frames
"""

from model.synthetic.archive import export_archive
from model.synthetic.config import PRESETS, Kind, WorldConfig, preset
from model.synthetic.reader import SyntheticTracklet, SyntheticWorld, open_world
from model.synthetic.shards import Report, synthesise
from model.synthetic.world import RenderedTracklet, render_tracklet

__all__ = [
    "PRESETS",
    "Kind",
    "RenderedTracklet",
    "Report",
    "SyntheticTracklet",
    "SyntheticWorld",
    "WorldConfig",
    "export_archive",
    "open_world",
    "preset",
    "render_tracklet",
    "synthesise",
]
