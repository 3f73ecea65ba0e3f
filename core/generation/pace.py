"""Which number format decodes fastest on this machine: measured once, remembered.

Leaves out: 8-bit weights, which cost accuracy and are therefore only ever chosen by a person.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from typing import Any, Literal, get_args

import torch

from core.errors import ConfigError, LabError, nearest
from core.files import read_json, write_json_atomic
from core.folders import cache_dir
from core.generation.packed import PackedGPT
from core.generation.products import Format, pack
from core.generation.runner import CachedRunner, PlainRunner, Runner
from core.model.gpt import GPT

Precision = Literal["auto", "float32", "float16", "bfloat16", "int8"]
"""How a model's weights are kept while it decodes."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

SMALL = 20_000_000
"""Parameters up to which auto takes float32 without measuring: such a model's time is not spent reading weights."""

FASTER = 1.3
"""A 16-bit format is taken where it is at least so many times as fast as float32."""

_WORK = 64 << 20  # bytes of float32 weights that are measured: more than caches hold
_SIDE = (3072, 768)


def make_runner(model: GPT, precision: Precision = "auto", after_block: Callable[[], None] | None = None) -> Runner:
    """A runner for a model, its weights kept so that decoding is fast.

    Args:
        model: in evaluation mode; it is only read, and its token embedding stays in use.
        precision: of the weights. auto keeps a model that was loaded in 16 bits as it is, takes float32 for a small
            one, and for a large one float16 or bfloat16 where this machine was measured to be faster with it.
        after_block: called each time a block was packed.

    Raises:
        ConfigError: there is no such precision, or not on the model's device.
    """
    if precision not in PRECISIONS:
        raise ConfigError(
            f"expected a precision among {', '.join(PRECISIONS)}, got {precision!r}{nearest(precision, PRECISIONS)}",
            "leave it at auto",
        )
    weight = model.wte.weight
    if weight.device.type != "cpu":
        return _on_device(model, precision)
    return CachedRunner(PackedGPT(model, choose(model, precision), after_block))


def choose(model: GPT, precision: Precision = "auto") -> Format:
    """The format that ``make_runner`` takes on a CPU."""
    if precision != "auto":
        return precision
    loaded = str(model.wte.weight.dtype).removeprefix("torch.")
    if loaded == "float16" or loaded == "bfloat16":
        return "float16" if loaded == "float16" else "bfloat16"
    return "float32" if model.config.parameters() <= SMALL else fastest()


def fastest() -> Format:
    """The fastest of float32, float16 and bfloat16 for one row against large weights.

    float32 unless another is 1.3 times as fast. Measured once, in about half a second, and kept in the cache folder for
    this processor and PyTorch, so that every program on this machine chooses the same.
    """
    key = f"decode {platform.node()} {torch.backends.cpu.get_cpu_capability()} torch {torch.__version__}"
    path = cache_dir() / "measured.json"
    kept = read_json(path) or {}
    before = kept.get(key)
    if before in ("float32", "float16", "bfloat16"):
        return before  # type: ignore[no-any-return]  # one of the three
    seconds = seconds_a_pass(("float32", "float16", "bfloat16"))
    best: Format = "float16" if seconds["float16"] <= seconds["bfloat16"] else "bfloat16"
    if seconds["float32"] < FASTER * seconds[best]:
        best = "float32"
    with suppress(OSError, LabError):  # a cache that cannot be written: it is measured again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(path, {**kept, key: best})
    return best


@torch.inference_mode()
def seconds_a_pass(formats: Sequence[Format], rounds: int = 20) -> dict[Format, float]:
    """Seconds that one row takes against 64 MiB of float32 weights kept in each format.

    The best of several passes, the formats taking turns: a neighbour who wants the processor hits all alike.
    """
    n, k = _SIDE
    weight = torch.randn(n, k, generator=torch.Generator().manual_seed(0)) * 0.02
    products = {fmt: [pack(weight.clone(), None, fmt) for _ in range(_WORK // weight.nbytes)] for fmt in formats}
    best = dict.fromkeys(formats, float("inf"))
    for _ in range(rounds):
        for fmt, stack in products.items():
            x = torch.ones(1, k, dtype=stack[0].wants)
            start = time.perf_counter()
            for product in stack:
                product(x)
            best[fmt] = min(best[fmt], time.perf_counter() - start)
    return best


def _on_device(model: GPT, precision: Precision) -> Runner:
    place, dtype = model.wte.weight.device, model.wte.weight.dtype
    if precision == "int8":
        raise ConfigError(f"8-bit weights were asked for, they run on the CPU; the model is on {place}", "take auto")
    if precision == "auto":
        if dtype != torch.float32 or model.config.parameters() <= SMALL:
            return PlainRunner(model)
        bfloat16 = place.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bfloat16" if bfloat16 else "float16"
    wanted: torch.dtype = getattr(torch, precision)
    if wanted == dtype:
        return PlainRunner(model)
    # Made anew it would draw its first weights, and for that torch imports its compiler, a second and 100 MB of it.
    turned = {id(p): torch.nn.Parameter(p.to(wanted), requires_grad=False) for p in model.parameters()}
    return PlainRunner(deepcopy(model, dict[int, Any](turned)))
