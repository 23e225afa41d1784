"""Several training processes as one batch (started by torchrun).

Each process makes its share of a step's tracklets. Losses that compare tracklets see those of all
processes, cross entropies see their own; gradients are averaged. Batch norms keep to their own
process, so a run on W processes is close to, not equal to, a run on one.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter


@dataclass(frozen=True)
class Processes:
    """Which process this is, of how many."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """True in the one process that writes files and logs."""
        return self.rank == 0

    def gather(self, x: Tensor) -> Tensor:
        """[B, ...] of every process, one after another: [W * B, ...], with gradients."""
        if self.world == 1:
            return x
        if not x.is_floating_point():
            return self._collect(x)
        gathered: Tensor = _Gather.apply(x.contiguous(), self)  # type: ignore[no-untyped-call]
        return gathered

    def average_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Replace each gradient by its mean over the processes."""
        if self.world == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.world
        for gradient, mean in zip(
            gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(mean.view_as(gradient))

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.world > 1:
            dist.barrier()

    def _collect(self, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(self.world)]
        dist.all_gather(parts, x)
        return torch.cat(parts)


class _Gather(torch.autograd.Function):
    """Concatenation over processes whose gradient is the sum over processes.

    Every process computes the same loss of the same concatenation, so that sum is W times its own
    slice; averaging gradients divides by W again.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, processes: Processes) -> Tensor:
        ctx.processes, ctx.length = processes, len(x)
        return processes._collect(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        processes: Processes = ctx.processes
        start = processes.rank * ctx.length
        return gradients[0][start : start + ctx.length] * processes.world, None


@contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """The processes that torchrun started, or this one alone."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Processes()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()
