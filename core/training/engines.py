"""Two ways to get the loss and its gradient into one flat buffer: by hand on a CPU, by autograd anywhere.

The hand-written one splits each batch over threads of its own, with PyTorch's inner threads off. They meet once a step
and sleep while they wait, so that a busy neighbour costs its share of the machine and no more; PyTorch's own threads
meet at every operation and fall to a few per cent there (measured by ``make bench``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from torch import Tensor

from core.model.gpt import GPT
from core.training.backend import seed_for
from core.training.flat import FlatParameters
from core.training.manual import ManualGPT

if TYPE_CHECKING:
    from core.training.backend import Batch

Result = TypeVar("Result")
CHUNK = 2**17
"""Numbers that are summed at a time: a piece, with its cast to float32, stays in a core's cache."""


class Engine(Protocol):
    """Computes losses and gradients of one model."""

    order: str
    """How sums are cut and ordered: two runs with the same one agree bit for bit."""

    def gradient(self, batches: Sequence[Batch], seed: int, step: int) -> float:
        """The mean loss of the batches; its gradient replaces what ``flat.grad`` held."""
        ...

    def loss(self, batches: Iterable[Batch]) -> float:
        """The mean loss over all targets, without dropout."""
        ...


class Crew:
    """As many threads as are asked for, one of them the caller's own; each computes with one core."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size - 1, "trainer") if size > 1 else None
        self._before = torch.get_num_threads()
        torch.set_num_threads(1)

    def map(self, work: Callable[[int], Result], n: int) -> list[Result]:
        """``[work(0), ..., work(n - 1)]`` for n up to ``size``, at the same time."""
        assert n <= self.size
        others = [self._pool.submit(work, i) for i in range(1, n)] if self._pool else []
        return [work(0), *(other.result() for other in others)]

    def close(self) -> None:
        """Ends the threads and gives PyTorch its own back."""
        if self._pool:
            self._pool.shutdown()
        torch.set_num_threads(self._before)


class ManualEngine:
    """Forward and backward by hand (``core.training.manual``), the batch split over a crew."""

    def __init__(self, model: GPT, flat: FlatParameters, dtype: torch.dtype, crew: Crew) -> None:
        self._flat, self._crew, self._config = flat, crew, model.config
        self._low = flat.data if dtype == torch.float32 else torch.empty_like(flat.data, dtype=dtype)
        weights = flat.views(self._low)
        self.order = f"{crew.size} shares by hand"
        self._gradients = [torch.zeros_like(self._low) for _ in range(crew.size)]
        self._generators = [torch.Generator() for _ in range(crew.size)]
        self._workers = [
            ManualGPT(model.config, weights, flat.views(gradient), generator)
            for gradient, generator in zip(self._gradients, self._generators, strict=True)
        ]
        sums = flat.views(flat.grad)
        self._d_tokens, self._d_positions = sums["wte.weight"], sums["wpe.weight"]

    @torch.no_grad()
    def gradient(self, batches: Sequence[Batch], seed: int, step: int) -> float:
        """The mean loss of the batches; its gradient replaces what ``flat.grad`` held."""
        self._refresh()
        total, targets = 0.0, sum(y.size for _, y in batches)
        for number, batch in enumerate(batches):
            shares = self._shares(batch)

            def work(
                i: int, shares: list[tuple[Tensor, Tensor]] = shares, number: int = number
            ) -> tuple[Tensor, Tensor]:
                if self._config.drop_rate:
                    self._generators[i].manual_seed(seed_for(seed, "dropout", step, number, i))
                with torch.no_grad():  # what is set in one thread does not hold in another
                    return self._workers[i].loss_and_gradient(*shares[i], 1 / targets)

            results = self._crew.map(work, len(shares))
            total += sum(float(loss) for loss, _ in results)
            self._add_up(shares, [d_rows for _, d_rows in results], first=number == 0)
        return total / targets

    def loss(self, batches: Iterable[Batch]) -> float:
        """The mean loss over all targets, without dropout."""
        self._refresh()
        total, count = 0.0, 0
        for batch in batches:
            shares = self._shares(batch)

            def work(i: int, shares: list[tuple[Tensor, Tensor]] = shares) -> Tensor:
                with torch.no_grad():
                    return self._workers[i].loss(*shares[i])

            total += sum(float(loss) for loss in self._crew.map(work, len(shares)))
            count += batch[1].size
        return total / count

    def _refresh(self) -> None:
        if self._low is not self._flat.data:
            with torch.no_grad():
                self._low.copy_(self._flat.data)

    def _shares(self, batch: Batch) -> list[tuple[Tensor, Tensor]]:
        ids, targets = (torch.from_numpy(part).chunk(self._crew.size) for part in batch)
        return list(zip(ids, targets, strict=True))

    def _add_up(self, shares: list[tuple[Tensor, Tensor]], d_rows: list[Tensor], *, first: bool) -> None:
        """Sums the shares' gradients in a fixed order; those of embedded tokens go to their rows."""
        crew, size = self._crew.size, self._flat.grad.numel()

        def add(piece: int) -> None:
            for at in range(size * piece // crew, size * (piece + 1) // crew, CHUNK):
                part = slice(at, min(at + CHUNK, size * (piece + 1) // crew))
                total = self._flat.grad[part]
                for i in range(len(shares)):
                    if first and i == 0:
                        total.copy_(self._gradients[0][part])
                    else:
                        total.add_(self._gradients[i][part])

        self._crew.map(add, crew)
        for (ids, _), rows in zip(shares, d_rows, strict=True):
            d = rows.float()  # (N, C)
            self._d_tokens.index_add_(0, ids.flatten(), d)
            self._d_positions[: ids.shape[1]].add_(d.view(*ids.shape, -1).sum(0))


class AutogradEngine:
    """PyTorch's autograd, with autocast where the dtype is not float32; for GPUs, and for ``compile``."""

    def __init__(self, model: GPT, flat: FlatParameters, dtype: torch.dtype, *, compiled: bool) -> None:
        self._model, self._flat, self._dtype = model, flat, dtype
        self._device = flat.data.device
        self.order = "compiled" if compiled else "autograd"
        self._loss: Callable[[Tensor, Tensor], Tensor] = torch.compile(model.loss) if compiled else model.loss

    def gradient(self, batches: Sequence[Batch], seed: int, step: int) -> float:
        """The mean loss of the batches; its gradient replaces what ``flat.grad`` held."""
        self._flat.grad.zero_()
        self._model.train()
        total = torch.zeros((), device=self._device)
        for number, batch in enumerate(batches):
            if self._model.config.drop_rate:
                torch.manual_seed(seed_for(seed, "dropout", step, number))
            with self._autocast():
                loss = self._loss(*self._move(batch)) / len(batches)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return float(total)

    @torch.no_grad()
    def loss(self, batches: Iterable[Batch]) -> float:
        """The mean loss over all targets, without dropout."""
        self._model.eval()
        total, count = 0.0, 0
        for batch in batches:
            with self._autocast():
                total += float(self._model.loss(*self._move(batch))) * batch[1].size
            count += batch[1].size
        return total / count

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            yield

    def _move(self, batch: Batch) -> Any:
        return tuple(torch.from_numpy(part).to(self._device, non_blocking=True) for part in batch)
