"""Which device trains, and whether bf16 autocast pays there."""

from pathlib import Path

import torch

from model.errors import DeviceUnavailable


def choose_device(name: str) -> torch.device:
    """`auto`, `cpu` or `cuda`. Raises `DeviceUnavailable`: a device is never silently another."""
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("no CUDA device here; use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def autocast_pays(device: torch.device) -> bool:
    """bf16 on CUDA, and on CPUs that multiply it natively; elsewhere it is emulated and slow."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
