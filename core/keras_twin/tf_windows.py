"""Windows as TensorFlow sees them: a ``tf.data.Dataset`` whose batches belong to their steps.

The twin of ``core.data.torch_windows``: the same windows, in the same batches, in the same order. It never shuffles on
its own: which windows make the batch of step k is ``core.data.windows``' pure function of (seed, k). What tf.data adds
is that the next batches are gathered while a step computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from core.data.windows import WindowKind, Windows, batch_indices


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
    shape = (batch_size, windows.context_length)

    def gather(step: Any) -> Any:
        indices = batch_indices(kind, len(windows), batch_size, seed, int(step))
        return windows.gather(indices)

    def batch(step: Any) -> tuple[Any, Any]:
        x, y = tf.numpy_function(gather, [step], (tf.int64, tf.int64), stateful=False)
        return tf.ensure_shape(x, shape), tf.ensure_shape(y, shape)

    steps_in_order = tf.data.Dataset.range(first_step, end, output_type=tf.int64)
    ready = steps_in_order.map(batch).prefetch(tf.data.AUTOTUNE if prefetch is None else prefetch)
    return ready.apply(tf.data.experimental.assert_cardinality(max(0, end - first_step)))


def eval_dataset(windows: Windows, indices: Any, batch_size: int) -> Any:
    """Chosen windows in their order, (x, y) each; the last batch may be smaller.

    Args:
        windows: where they are cut from.
        indices: which, (n,) int; ``core.data.windows.eval_indices`` spreads them evenly.
        batch_size: windows in a batch, B.
    """
    chosen = np.asarray(indices, dtype=np.int64)

    def gather(part: Any) -> Any:
        return windows.gather(part)

    def batch(part: Any) -> tuple[Any, Any]:
        x, y = tf.numpy_function(gather, [part], (tf.int64, tf.int64), stateful=False)
        shape = (None, windows.context_length)
        return tf.ensure_shape(x, shape), tf.ensure_shape(y, shape)

    return tf.data.Dataset.from_tensor_slices(chosen).batch(batch_size).map(batch).prefetch(tf.data.AUTOTUNE)
