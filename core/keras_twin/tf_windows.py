"""Windows as TensorFlow sees them: a ``tf.data.Dataset`` whose batches belong to their steps.

The twin of ``core.data.torch_windows``: the same windows, in the same batches, in the same order. It never shuffles on
its own: which windows make the batch of step k is ``core.data.windows``' pure function of (seed, k). What tf.data adds
is that the next batches are gathered while a step computes. ``feed`` is what a run trains on: the trainer's own batches
(a share of which may be repeated tokens), by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from core.data.windows import WindowKind, Windows, batch_indices

if TYPE_CHECKING:
    from core.training.backend import Batch


def dataset(
    windows: Windows,
    batch_size: int,
    *,
    kind: WindowKind = "sliding",
    seed: int = 1337,
    first_step: int = 0,
    steps: int | None = None,
    prefetch: int | None = None,
) -> Any:
    """The very batches that the trainer takes, as (x, y), each (B, T) int64.

    Args:
        windows: where they are cut from: a row of ids with a context length and a stride.
        batch_size: windows in a batch, B.
        kind: ``sliding`` or ``random``.
        seed: the run's.
        first_step: where to begin; a resumed run goes on with what it would have seen.
        steps: where to end (not including); left out, after the whole batches of one pass.
        prefetch: batches to hold ready; left out, tf.data decides.
    """
    end = max(1, len(windows) // batch_size) if steps is None else steps

    def batch(step: int) -> Batch:
        return windows.gather(batch_indices(kind, len(windows), batch_size, seed, step))

    return batches_of(batch, (batch_size, windows.context_length), range(first_step, end), prefetch)


def batches_of(
    batch: Callable[[int], Batch], shape: tuple[int, int], numbers: range, prefetch: int | None = None
) -> Any:
    """A dataset of the batches that have these numbers, in this order, as (x, y), each (B, T) int64.

    Args:
        batch: which one has a number; called in a thread of tf.data's.
        shape: (B, T).
        numbers: of those wanted.
        prefetch: batches to hold ready; left out, tf.data decides.
    """

    def gather(number: Any) -> Batch:
        return batch(int(number))

    def element(number: Any) -> tuple[Any, Any]:
        x, y = tf.numpy_function(gather, [number], (tf.int64, tf.int64), stateful=False)
        return tf.ensure_shape(x, shape), tf.ensure_shape(y, shape)

    in_order = tf.data.Dataset.range(numbers.start, numbers.stop, numbers.step, output_type=tf.int64)
    ready = in_order.map(element).prefetch(tf.data.AUTOTUNE if prefetch is None else prefetch)
    return ready.apply(tf.data.experimental.assert_cardinality(len(numbers)))


def feed(batch: Callable[[int], Batch], shape: tuple[int, int], numbers: range) -> Iterator[tuple[Any, Any]]:
    """The same one by one; what ``batch`` raises is raised here as it was, where TensorFlow would make it its own.

    Args:
        batch: as ``batches_of``.
        shape: as ``batches_of``.
        numbers: as ``batches_of``.
    """
    raised: list[Exception] = []

    def gather(number: int) -> Batch:
        try:
            return batch(number)
        except Exception as error:
            raised.append(error)
            raise

    try:
        yield from batches_of(gather, shape, numbers)
    except tf.errors.OpError:
        if raised:
            raise raised[0] from None
        raise
