"""`sightline average`: one set of weights from several trainings that began with the same ones.

Trainings that go on from one network stay in one valley of the loss, and the mean of their weights
lies lower in it than they do themselves ("Model soups", Wortsman et al., ICML 2022). Trainings that
began apart have no such valley in common: measure what comes out before you use it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model.errors import InvalidParameter
from model.terminal import console, failures_as_exit

if TYPE_CHECKING:
    from model.network.weights import Checkpoint


def average(
    checkpoint: Annotated[
        list[Path], typer.Option(help="A file of weights; repeat it for each training.")
    ],
    out: Annotated[Path, typer.Option(help="File to write (.safetensors).")],
    share: Annotated[
        list[float] | None,
        typer.Option(min=0, help="How much each counts, in the same order; otherwise equally."),
    ] = None,
) -> None:
    """Average the weights of trainings that went on from the same network.

    Example: sightline average --checkpoint runs/a/weights.safetensors --share 2
    --checkpoint runs/b/weights.safetensors --share 1 --out mean.safetensors
    """
    from model.network.weights import load_checkpoint, save_weights

    with failures_as_exit():
        if out.suffix != ".safetensors":
            raise InvalidParameter("--out must name a .safetensors file")
        shares = share or [1.0] * len(checkpoint)
        mean = averaged([load_checkpoint(path) for path in checkpoint], shares)
        save_weights(out, mean.network, mean.training)
        console.print(f"weights: {out}", markup=False)


def averaged(checkpoints: "Sequence[Checkpoint]", shares: Sequence[float]) -> "Checkpoint":
    """The weighted mean of all that is counted in fractions; the rest is the first one's.

    Its provenance is the first one's, with that of the others under `averaged_with`. Raises
    `InvalidParameter` for networks of different shapes and for shares that say nothing.
    """
    import torch

    from model.network.weights import Checkpoint

    if len(shares) != len(checkpoints):
        raise InvalidParameter(f"{len(checkpoints)} checkpoints need as many shares")
    if min(shares) < 0 or sum(shares) <= 0:
        raise InvalidParameter("shares must not be negative, and not all of them 0")
    first, *others = checkpoints
    if any(one.network.config != first.network.config for one in others):
        raise InvalidParameter("only networks of the same configuration can be averaged")
    parts = [share / sum(shares) for share in shares]
    states = [one.network.state_dict() for one in checkpoints]
    with torch.no_grad():
        for name, tensor in states[0].items():
            if tensor.is_floating_point():
                total = sum(
                    part * state[name].double() for part, state in zip(parts, states, strict=True)
                )
                tensor.copy_(total)
    training = dict(first.training)
    if others:
        rest = zip(parts[1:], others, strict=True)
        training["share"] = parts[0]
        training["averaged_with"] = [{**one.training, "share": part} for part, one in rest]
    return Checkpoint(first.network, training)
