"""Matrix products for few rows: one decoding step is a row of activations against every weight of the model.

Such a product is as fast as its weights are read, so the fewer bytes the faster. Four formats: float32 and bfloat16
packed once into the order in which oneDNN reads them, float16 as it is, and 8-bit integers with a scale for each row
of the weight (activations stay bfloat16; PyTorch's own integer kernel). Leaves out: the model around them
(``packed.py``), and which format is fast on this machine (``pace.py``).

Shapes: M rows of activations, K inputs, N outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import ConfigError, nearest

Format = Literal["float32", "float16", "bfloat16", "int8"]
"""What the weights are kept in while decoding."""

FORMATS: tuple[Format, ...] = get_args(Format)

_FEW = 4
"""Rows up to which float16 is multiplied as it is: PyTorch's kernel for it takes them one by one."""
_SOME = 32
"""Rows up to which PyTorch's 8-bit kernel is used; from there on, unpacking the weights first is faster."""

_STRIDE = 32
"""PyTorch's 8-bit kernel reads so many inputs at a time, past the end of a row (and of the memory) if need be."""

_ROWS = 4096
"""Rows that are turned into 8 bits at once, so that little more memory is needed than for the result."""


class Product(ABC):
    """``product(x)`` is ``x @ weight.T + bias`` for x (M, K), in the dtype ``wants``."""

    wants: torch.dtype
    """The dtype of its input and of what it returns."""
    nbytes: int
    """What its weights take."""

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """The outputs (M, N) of x (M, K)."""


class Plain(Product):
    """PyTorch's own linear layer, the weight as it came."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight, self._bias = weight, bias
        self.wants, self.nbytes = weight.dtype, weight.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs (M, N) of x (M, K)."""
        return F.linear(x, self._weight, self._bias)


class Half(Plain):
    """float16: as it is for few rows; more rows are multiplied in float32, where a CPU has a kernel for them."""

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs (M, N) of x (M, K)."""
        if x.shape[0] <= _FEW:
            return F.linear(x, self._weight, self._bias)
        bias = None if self._bias is None else self._bias.float()
        return F.linear(x.float(), self._weight.float(), bias).half()


class Packed(Product):
    """A weight in the order in which oneDNN reads it; about twice as fast in float32 as the weight as it came."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, 1)
        self._bias = bias
        self.wants, self.nbytes = weight.dtype, weight.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs (M, N) of x (M, K)."""
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")
        return out


class EightBit(Product):
    """A weight as 8-bit integers: each of its N rows divided by its largest value over 127, and rounded.

    Source of the format: symmetric absmax quantization with a scale for each output channel, as in Dettmers et al.,
    "LLM.int8()" (2022), section 2, for the weights alone.
    """

    wants = torch.bfloat16

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        N, K = weight.shape
        self._missing = -K % _STRIDE  # inputs that are added to make whole strides; their weights are 0
        self._weight = torch.zeros(N, K + self._missing, dtype=torch.int8)
        self._scale = torch.empty(N, dtype=torch.bfloat16)
        for start in range(0, N, _ROWS):
            rows = slice(start, start + _ROWS)
            some = weight[rows].float()
            largest = some.abs().amax(1).clamp_min(1e-30)
            # The kernel wants the scale in bfloat16. Rounded first, its error is none of the product's; a hair larger,
            # so that no value falls outside.
            self._scale[rows] = (largest / 127 * (1 + 2**-8)).bfloat16()
            self._weight[rows, :K] = (some / self._scale[rows].float()[:, None]).round_().to(torch.int8)
        self._bias = None if bias is None else bias.bfloat16()
        self.nbytes = self._weight.nbytes + self._scale.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs (M, N) of x (M, K)."""
        if self._missing:
            x = F.pad(x, (0, self._missing))
        if x.shape[0] > _SOME:
            return F.linear(x, self._weight.bfloat16() * self._scale[:, None], self._bias)
        out: Tensor = torch.ops.aten._weight_int8pack_mm(x, self._weight, self._scale)  # (M, N)
        return out if self._bias is None else out.add_(self._bias)


def pack(weight: Tensor, bias: Tensor | None, fmt: Format) -> Product:
    """A product with this weight, kept in a format.

    Args:
        weight: (N, K), of any floating dtype, on a CPU.
        bias: (N,), or None.
        fmt: what to keep it in.

    Raises:
        ConfigError: there is no such format.
    """
    if fmt not in FORMATS:
        raise ConfigError(
            f"expected a format among {', '.join(FORMATS)}, got {fmt!r}{nearest(fmt, FORMATS)}", "leave it at auto"
        )
    if fmt == "int8":
        return EightBit(weight, bias)
    dtype = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[fmt]
    weight, bias = weight.to(dtype).contiguous(), None if bias is None else bias.to(dtype)
    if fmt == "float16":
        return Half(weight, bias)
    return Packed(weight, bias) if _can_pack(dtype) else Plain(weight, bias)


def _can_pack(dtype: torch.dtype) -> bool:
    if not torch._C._has_mkldnn:
        return False
    return dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
