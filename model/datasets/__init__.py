"""Labelled tracklets to train and evaluate on, one module per layout on disk.

    tracklets    what every layout becomes: `TrackletSource`, `Protocol`, `Dataset`
    catalogue    the layouts by name
    synthetic    shards of the project's own world
    mars  lsvid  duke  ilids  prid    the public layouts, as their authors ship them
    folders      one folder per tracklet: your own data
    files        frames as files, and errors that name what is missing
    matlab       MATLAB files, old (<= v7) and new (v7.3)

Nothing is ever downloaded. Readers list files and read annotations; pixels are read when a frame
is asked for.
"""
