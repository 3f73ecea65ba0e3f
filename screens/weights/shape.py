"""How a tensor is laid out as a picture: matrices as they are, vectors wrapped into rows so that they can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class Starts(Sequence[str]):
    """Labels of wrapped rows, made when they are asked for: the place of each row's first value."""

    def __init__(self, rows: int, each: int) -> None:
        self._rows, self._each = rows, each

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, index: int | slice) -> str:
        assert isinstance(index, int)
        if not 0 <= index < self._rows:
            raise IndexError(index)
        return str(index * self._each)


@dataclass(frozen=True)
class Picture:
    """A matrix to draw, and how its places translate to those of the tensor."""

    values: NDArray[np.float32]
    wrapped: int = 0
    """Values in a row of the picture, if it is a vector's; 0: the tensor as it is."""
    mask: NDArray[np.bool_] | None = None
    row_labels: Sequence[str] | None = None

    def place(self, row: int, column: int) -> tuple[int, ...]:
        """The index in the tensor.

        >>> picture_of(np.zeros((1, 768), np.float32)).place(2, 3)
        (67,)
        """
        return (row * self.wrapped + column,) if self.wrapped else (row, column)

    def cell(self, index: tuple[int, ...]) -> tuple[int, int]:
        """The row and column for an index of the tensor."""
        return (index[0] // self.wrapped, index[0] % self.wrapped) if self.wrapped else (index[0], index[-1])


def picture_of(values: NDArray[np.float32], each: int = 32) -> Picture:
    """A matrix as it is; a vector (one row) in rows of ``each``, what is left over in the last one masked.

    >>> picture_of(np.zeros((1, 40), np.float32)).values.shape, picture_of(np.zeros((3, 40), np.float32)).wrapped
    ((2, 32), 0)
    """
    if values.shape[0] != 1 or values.shape[1] <= each:
        return Picture(values)
    rows = -(-values.shape[1] // each)
    whole = np.zeros(rows * each, np.float32)
    whole[: values.shape[1]] = values[0]
    mask = np.arange(rows * each) >= values.shape[1]
    shaped = mask.reshape(rows, each) if mask.any() else None
    return Picture(whole.reshape(rows, each), each, shaped, Starts(rows, each))
