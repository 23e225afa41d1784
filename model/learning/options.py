"""Flags that several commands about data sets and networks share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Layout = Literal["synthetic", "mars", "lsvid", "duke", "ilids", "prid", "folders"]
Device = Literal["auto", "cpu", "cuda"]
Recipe = Literal["paper", "paper-small", "cpu", "longer", "full-size", "small", "tiny"]

DatasetOption = Annotated[Layout, typer.Option(help="Layout of the data set.")]
RootOption = Annotated[Path, typer.Option(help="The data set's folder.")]
SplitOption = Annotated[
    int | None, typer.Option(help="One of the ten splits of iLIDS-VID or PRID2011.")
]
LayoutOption = Annotated[
    Literal["torchvision", "caffe"] | None,
    typer.Option(help="Where the backbone strides: what --init was trained with."),
]
WorkersOption = Annotated[
    int | None, typer.Option(min=0, help="Processes that decode and augment.")
]
DeviceOption = Annotated[Device, typer.Option(help="Where the network computes.")]
