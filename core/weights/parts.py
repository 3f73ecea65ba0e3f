"""Parts of a tensor that have a name: query, key and value, which GPT-2 keeps side by side in ``c_attn``.

``h.0.attn.c_attn.weight[q]`` is a name like any other for ``core.weights.inspect``. Also the norms of rows and columns.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel
    from core.weights.locate import Weights

PARTS = ("q", "k", "v")
"""In the order in which they lie in ``c_attn``."""


def parts_of(name: str) -> tuple[str, ...]:
    """The names of a tensor's parts; none for most.

    >>> parts_of("h.0.attn.c_attn.bias")[0], parts_of("wte.weight")
    ('h.0.attn.c_attn.bias[q]', ())
    """
    whole = name.endswith((".attn.c_attn.weight", ".attn.c_attn.bias"))
    return tuple(f"{name}[{part}]" for part in PARTS) if whole else ()


def split_part(name: str) -> tuple[str, str]:
    """The tensor, and the part of it that a name means, if any.

    >>> split_part("h.0.attn.c_attn.weight[k]"), split_part("wte.weight")
    (('h.0.attn.c_attn.weight', 'k'), ('wte.weight', ''))
    """
    whole, bracket, part = name.removesuffix("]").partition("[")
    return (whole, part) if bracket and name in parts_of(whole) else (name, "")


def cut_part(values: NDArray[np.float32], part: str) -> NDArray[np.float32]:
    """A part of a tensor in our layout, (3C, C) or (3C,): a view of a third of its rows.

    >>> cut_part(np.arange(6, dtype=np.float32), "k").tolist()
    [2.0, 3.0]
    """
    if not part:
        return values
    third, at = values.shape[0] // 3, PARTS.index(part)
    return values[at * third : (at + 1) * third]


def norms(
    source: str | LoadedModel | Weights, name: str, axis: int = 0, cancelled: threading.Event | None = None
) -> NDArray[np.float64]:
    """The length of each row (axis 0) or column (axis 1) of a tensor.

    Args:
        source: a spec, or a loaded model.
        name: one of our tensors, or a part of one.
        axis: 0 for the rows (what comes out), 1 for the columns (what goes in); a vector has one row.
        cancelled: set it to give up.

    Raises:
        ModelSpecError: the model is not here, or has no such tensor.
        GivenUpError: it was cancelled.
    """
    from core.weights import inspect

    table = inspect.values(source, name)
    if table.flags.f_contiguous and not table.flags.c_contiguous:  # read as it lies
        table, axis = table.T, 1 - axis
    step = max(1, inspect.CHUNK // max(1, table.shape[1]))
    squares = np.zeros(table.shape[axis])
    for start in range(0, table.shape[0], step):
        if cancelled is not None and cancelled.is_set():
            raise inspect.GivenUpError("the norms were given up", "ask again")
        wide = table[start : start + step].astype(np.float64)
        wide *= wide
        if axis:
            squares += wide.sum(axis=0)
        else:
            squares[start : start + step] = wide.sum(axis=1)
    return np.sqrt(squares)
