"""What this machine does fast: the device, the precision, and the rate of matrix products. Measured, not guessed."""

from __future__ import annotations

import platform
import time
from contextlib import suppress
from typing import Any

import torch

from core.config import DType
from core.errors import ConfigError, LabError, nearest
from core.files import read_json, write_json_atomic
from core.folders import cache_dir

FASTER = 1.3
"""bfloat16 is taken on a CPU where its matrix products are at least so many times as fast as float32's."""


def pick_device(wanted: str) -> torch.device:
    """The device to compute on; auto takes CUDA, then MPS, then the CPU.

    Raises:
        ConfigError: the machine does not have it.
    """
    here = [f"cuda:{n}" for n in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    here = ["cuda", *here] if here else []
    here += ["mps"] if torch.backends.mps.is_available() else []
    here += ["cpu"]
    if wanted == "auto":
        return torch.device(here[0])
    if wanted not in here:
        raise ConfigError(
            f"device {wanted} was asked for, this machine has {', '.join(here)}{nearest(wanted, here)}",
            "leave device at auto; llm-lab doctor says what PyTorch sees",
        )
    return torch.device(wanted)


def pick_dtype(wanted: DType, device: torch.device) -> torch.dtype:
    """The precision of a training run's matrix products; the weights themselves stay float32.

    Raises:
        ConfigError: float16, whose small range would need the loss to be scaled.
    """
    if wanted == "float16":
        raise ConfigError(
            "float16 was asked for; training runs in float32 or bfloat16 (float16 overflows without loss scaling)",
            "take dtype bfloat16, or auto",
        )
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu" and matmul_rate(device, torch.bfloat16) > FASTER * matmul_rate(device, torch.float32):
        return torch.bfloat16
    return torch.float32


def matmul_rate(device: torch.device, dtype: torch.dtype, threads: int = 0) -> float:
    """Floating-point operations a second of a large square matrix product; the peak that MFU is a share of.

    Measured once (a few tenths of a second) and kept in the cache folder for this processor and PyTorch; what was
    measured while the machine was busy is measured again the next time, and the highest counts.

    Args:
        device: where.
        dtype: of what.
        threads: CPU threads; 0: all cores.
    """
    key = f"{device.type} {dtype} {_device_name(device)} torch {torch.__version__} threads {threads}"
    path = cache_dir() / "measured.json"
    kept: dict[str, Any] = read_json(path) or {}
    before = kept.get(key)
    before = (
        before if isinstance(before, dict) and isinstance(before.get("rate"), float) else {"rate": 0.0, "quiet": False}
    )
    if before["quiet"]:
        return float(before["rate"])
    quiet = _quiet()
    found = max(float(before["rate"]), _measure_matmul(device, dtype, threads))
    with suppress(OSError, LabError):  # a cache that cannot be written: it is measured again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(path, {**kept, key: {"rate": found, "quiet": quiet}})
    return found


def _measure_matmul(device: torch.device, dtype: torch.dtype, threads: int) -> float:
    from core.training.launch import usable_cores

    n = 8192 if device.type == "cuda" else 2048
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(threads or usable_cores())
    try:
        a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
        best, spent = float("inf"), 0.0
        while spent < 0.3 or best == float("inf"):
            _wait(device)
            start = time.perf_counter()
            a @ b
            _wait(device)
            took = time.perf_counter() - start
            best, spent = min(best, took), spent + took
    finally:
        torch.set_num_threads(before)
    return 2 * n**3 / best


def memory_rate(device: torch.device) -> float:
    """Bytes a second that a sum over a large array reads; what decoding one token at a time is bound by.

    Measured each time, the best of a few tenths of a second; a busy machine shows less than it has.

    Args:
        device: where.
    """
    data = torch.ones((2**30 if device.type == "cuda" else 2**28) // 4, device=device)  # larger than any cache
    best, spent = float("inf"), 0.0
    while spent < 0.2:
        _wait(device)
        start = time.perf_counter()
        data.sum()
        _wait(device)
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return data.nbytes / best


def _quiet() -> bool:
    """Whether little else runs here, so that a measurement can be trusted."""
    import psutil

    return float(psutil.cpu_percent(interval=0.1)) < 25


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.node()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
