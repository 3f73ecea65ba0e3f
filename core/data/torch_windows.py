"""Windows as PyTorch sees them: a ``Dataset`` of windows, and a ``DataLoader`` whose batches belong to their steps.

Leaves out: moving anything to a device.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from core.data.windows import WindowKind, Windows, batch_indices

Pair = tuple[Tensor, Tensor]


class WindowDataset(Dataset[Pair]):
    """The windows one by one: item i is x (T,) and y (T,), int64; for a ``DataLoader`` that shuffles in its own way.

    >>> import numpy as np
    >>> x, y = WindowDataset(Windows(np.arange(10), 3))[1]
    >>> x.tolist(), y.tolist()
    ([3, 4, 5], [4, 5, 6])
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Pair:
        x, y = self.windows[index]
        return torch.from_numpy(x), torch.from_numpy(y)


class BatchDataset(Dataset[Pair]):
    """The batches one by one: item k is the batch of step k, x (B, T) and y (B, T), whoever asks and in what order."""

    def __init__(
        self,
        windows: Windows,
        batch_size: int,
        *,
        kind: WindowKind = "sliding",
        seed: int = 1337,
        steps: int | None = None,
    ) -> None:
        """Takes the windows and what decides a batch.

        Args:
            windows: where they are cut from.
            batch_size: windows in a batch, B.
            kind: ``sliding`` or ``random``.
            seed: the run's.
            steps: how many batches there are; left out, the whole ones of one pass, or one.
        """
        self.windows, self.batch_size, self.kind, self.seed = windows, batch_size, kind, seed
        self.steps = max(1, len(windows) // batch_size) if steps is None else steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Pair:
        if not 0 <= step < self.steps:
            raise IndexError(f"batch {step} of {self.steps}")
        x, y = self.windows.gather(batch_indices(self.kind, len(self.windows), self.batch_size, self.seed, step))
        return torch.from_numpy(x), torch.from_numpy(y)


def data_loader(
    windows: Windows,
    batch_size: int,
    *,
    kind: WindowKind = "sliding",
    seed: int = 1337,
    first_step: int = 0,
    steps: int | None = None,
    workers: int = 0,
) -> DataLoader[Pair]:
    """The very batches that the trainer takes, step after step, from ``first_step`` up to (not including) ``steps``.

    Args:
        windows: where they are cut from.
        batch_size: windows in a batch, B.
        kind: ``sliding`` or ``random``.
        seed: the run's.
        first_step: where to begin; a resumed run goes on with what it would have seen.
        steps: where to end; left out, after the whole batches of one pass.
        workers: processes that gather batches; they change nothing but the speed.
    """
    batches = BatchDataset(windows, batch_size, kind=kind, seed=seed, steps=steps)
    order = range(first_step, len(batches))
    return DataLoader(batches, batch_size=None, sampler=order, num_workers=workers)
