"""One worked step of the arithmetic inside a model: the numbers, the lines that show them, and a check.

Leaves out: which steps there are (``arithmetic.py``, ``variants.py``). Lines are of fixed width but for the token at
their end, and are meant to be scrolled, not wrapped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.model.trace import Trace

WIDTH = 9
"""Cells of one number."""
FIRST = 5
"""How many numbers of a vector a line shows."""
PATCHED = "another run's activations were put in here, so it adds something else in this run"
"""What is said where a check would compare two different things."""
MOST = 24
"""Tokens that a table lists; of more, those that count most."""
NAME = 11
_FINEST, _COARSEST = -12, -3
_LIMITS = {torch.float16: 2e-2, torch.bfloat16: 5e-2}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of a step, with full precision and all of them."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Whether what was worked out by hand is what the model computed."""

    against: str
    """What it was compared with."""
    difference: float
    """The largest difference, as a share of the largest number that was compared."""
    limit: float
    """Up to which it is rounding, for the precision that the model computes in."""

    @property
    def ok(self) -> bool:
        """False also where either is not a number."""
        return self.difference <= self.limit

    @property
    def text(self) -> str:
        """The check as a sentence; the power of ten is the smallest that holds, from 1e-12 on.

        >>> Check("the fast path", 3e-8, 1e-5).text
        'equals the fast path to 1e-7 (largest difference 3.0e-08)'
        >>> Check("the fast path", 0.25, 1e-5).text
        'differs from the fast path by 2.5e-01'
        """
        if not self.ok:
            return f"differs from {self.against} by {self.difference:.1e}"
        power = _FINEST if self.difference == 0 else max(_FINEST, math.ceil(math.log10(self.difference)))
        return f"equals {self.against} to 1e{power} (largest difference {self.difference:.1e})"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is done, why in a line, the actual numbers, and what they were checked against."""

    title: str
    why: str
    lines: tuple[str, ...]
    numbers: tuple[Numbers, ...]
    check: Check | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, all numbers with full precision."""
        check = None if self.check is None else {**asdict(self.check), "ok": self.check.ok, "text": self.check.text}
        numbers = {one.name: list(one.values) for one in self.numbers}
        return {"title": self.title, "why": self.why, "lines": list(self.lines), "numbers": numbers, "check": check}


def compare(ours: Tensor, theirs: Tensor, against: str) -> Check:
    """Compares what was worked out in float64 with what the model computed in its own precision."""
    limit = _LIMITS.get(theirs.dtype, 1e-5)
    theirs = exact(theirs)
    top = float(theirs.abs().max())
    return Check(against, float((ours - theirs).abs().max()) / (top if top > 0 else 1.0), limit)


def exact(x: Tensor) -> Tensor:
    """In float64 on the CPU, without gradients."""
    return x.detach().cpu().double()


def numbers(name: str, x: Tensor) -> Numbers:
    """A vector, or one number, by its name."""
    return Numbers(name, tuple(x.flatten().tolist()))


def number(value: float) -> str:
    """A number in ``WIDTH`` cells, the first of them free.

    >>> number(0.41234567), number(-12345.6), number(0.0), number(0.00001), number(float("-inf"))
    ('   0.4123', ' -12345.6', '   0.0000', '  1.0e-05', '     -inf')
    """
    size = abs(value)
    if math.isfinite(value) and (size >= 100_000 or 0 < size < 0.00005):
        return f"{value:>{WIDTH}.1e}"
    return f"{value:>{WIDTH}.{4 if size < 1000 else 1}f}"


def short(value: float | Tensor) -> str:
    """A number inside a sentence.

    >>> short(0.41234567)
    '0.4123'
    """
    return number(float(value)).strip()


def vector(name: str, x: Tensor) -> str:
    """A vector as a line: its name, the first numbers, and the sum of all.

    >>> vector("q", torch.tensor([1.0, -2.0, 0.5]))
    'q             1.0000  -2.0000   0.5000  sum   -0.5000'
    """
    shown = "".join(number(v) for v in x[:FIRST].tolist())
    total = float(x.sum())
    total = 0.0 if abs(total) < 1e-12 * float(x.abs().sum()) else total  # what rounding leaves of an exact zero
    return f"{name:<{NAME}}{shown}{' …' if len(x) > FIRST else ''}  sum {number(total)}"


def product(name: str, a: Tensor, b: Tensor, plus: float | None = None) -> str:
    """A dot product written out: the first terms, and what all of them make.

    >>> product("dot", torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.25, 1.0]))
    'dot = 1×0.5 + 2×0.25 + 3×1 = 4.0000'
    """
    terms = [f"{_brief(x)}×{_brief(y)}" for x, y in zip(a[:3].tolist(), b[:3].tolist(), strict=True)]
    if len(a) > 3:
        terms.append("…")
    if plus is not None:
        terms.append(_brief(plus))
    total = float(a @ b) + (plus or 0.0)
    return f"{name} = {' + '.join(terms)} = {short(total)}"


def table(head: Sequence[str], rows: Iterable[tuple[int, Sequence[float], str]], left: str = "") -> list[str]:
    """Rows of numbers, a token each: its place, the numbers, and last the token, which may be of any width."""
    lines = ["    #" + "".join(f"{name:>{WIDTH}}" for name in head) + "  token"]
    lines += [f"{i:>5}" + "".join(number(v) for v in values) + f"  {label}" for i, values, label in rows]
    return [*lines, left] if left else lines


def listed(weights: Tensor, always: Iterable[int] = (), most: int = MOST) -> list[int]:
    """The places of the tokens that a table lists: all, or of more than ``most`` those with the greatest weight.

    >>> listed(torch.tensor([0.1, 0.5, 0.15, 0.25]), always=[0], most=2)
    [0, 1, 3]
    """
    if len(weights) <= most:
        return list(range(len(weights)))
    top = weights.nan_to_num(torch.inf).topk(most).indices.tolist()
    return sorted({*top, *always})


def unlisted(count: int, weight: float | None = None) -> str:
    """What is said of the tokens that a table leaves out; nothing where there are none."""
    if not count:
        return ""
    share = "" if weight is None else f", together {short(weight)}"
    return f"   … and {count:,} more{share}"


def texts(trace: Trace, tokens: Sequence[str] | None) -> Sequence[str]:
    """The text of each token of a run, or its id."""
    return [f"id {i}" for i in trace.ids.tolist()] if tokens is None else tokens


def norm_step(title: str, norm: nn.LayerNorm, x: Tensor) -> Step:
    """The layer norm of one token, x (C,)."""
    plain, n = normalised(norm, x)
    mean, spread = float(x.mean()), float((x.var(unbiased=False) + norm.eps).sqrt())
    return Step(
        title,
        "put at mean 0 and variance 1, then scaled and shifted as was learnt",
        (
            f"mean {short(mean)}, sqrt(variance + {norm.eps:.0e}) {short(spread)}",
            f"(x0 - mean) / sqrt(…) = ({short(x[0])} - {short(mean)}) / {short(spread)} = {short(plain[0])}",
            vector("normalised", plain),
            vector("× scale", exact(norm.weight)),
            vector("+ shift", exact(norm.bias)),
            vector("= n", n),
        ),
        (numbers("n", n),),
    )


def normalised(norm: nn.LayerNorm, x: Tensor) -> tuple[Tensor, Tensor]:
    """(..., C) at mean 0 and variance 1, and the same scaled and shifted."""
    plain = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + norm.eps).sqrt()
    return plain, plain * exact(norm.weight) + exact(norm.bias)


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """A layer's weight and bias on x (..., in), in float64: (..., out)."""
    return x @ exact(layer.weight).T + exact(layer.bias)


def _brief(value: float) -> str:
    return f"{value:.3g}"
