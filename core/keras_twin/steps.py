"""The compiled functions of a training run: loss and gradient, a whole step, the loss of an evaluation.

Each is one ``tf.function``, compiled by XLA where that works: it joins the many small operations between the matrix
products (``make bench`` measures it). The batch's shape is fixed, so each is compiled once.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from core.keras_twin.weights import variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.keras_twin.gpt import KerasGPT
    from core.keras_twin.optimizers import AdamW


def xla_works() -> bool:
    """Whether functions are compiled with XLA: not on Apple's processors, and not with ``LLM_LAB_XLA=0``.

    It takes seconds to begin with; a run of a few steps is over sooner without.
    """
    return os.environ.get("LLM_LAB_XLA", "") != "0" and (sys.platform, platform.machine()) != ("darwin", "arm64")


def loss_and_gradients(model: KerasGPT, ids: Any, targets: Any, training: bool) -> tuple[Any, list[Any]]:
    """The mean cross-entropy in nats, and its gradient for each variable in the order of ``weights.variables``.

    Args:
        model: the twin.
        ids: (B, T) int.
        targets: (B, T) int.
        training: whether dropout drops.
    """
    own = list(variables(model).values())
    with tf.GradientTape() as tape:
        loss = model.loss_of(ids, targets, training=training)
    found = tape.gradient(loss, [variable.value for variable in own])
    return loss, [tf.convert_to_tensor(gradient) for gradient in found]  # a table's gradient is sparse


class Steps:
    """What a run calls again and again, for one model and one optimizer.

    Args:
        model: the twin.
        optimizer: its optimizer.
        grad_clip: largest norm of the gradient; 0 leaves it as it is.
        batch: how many windows a batch has, B; a smaller one is filled up.
    """

    def __init__(self, model: KerasGPT, optimizer: AdamW, grad_clip: float, batch: int) -> None:
        self._model, self._optimizer, self._clip, self._batch = model, optimizer, grad_clip, batch
        self._sums: list[Any] = []
        self.compiler = "xla" if xla_works() else "graph"

        def compiled(function: Any) -> Any:
            return tf.function(function, jit_compile=self.compiler == "xla")

        self._step, self._add, self._apply = compiled(self._one_batch), compiled(self._gather), compiled(self._finish)
        self._loss = compiled(self._row_losses)

    def step(self, batches: Sequence[Any], seeds: Sequence[Any], learning_rate: float) -> tuple[float, float]:
        """One optimizer step on the mean gradient of the batches.

        Args:
            batches: each (ids, targets), (B, T), arrays or tensors.
            seeds: a state of the dropout's generator for each batch, (2,) uint32.
            learning_rate: of this step.

        Returns:
            The mean loss, and the gradient's norm before clipping. Where one is not finite, nothing has changed.
        """
        scalars = self._optimizer.scalars(learning_rate)
        if len(batches) == 1:
            loss, norm = self._step(*_tensors(batches[0]), tf.constant(seeds[0]), scalars)
        else:
            loss = self._accumulated(batches, seeds)
            norm = self._apply(tf.constant(1 / len(batches)), loss, scalars)
        found = float(loss), float(norm)
        if np.isfinite(found).all():
            self._optimizer.steps += 1
        return found

    def loss(self, ids: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
        """The mean loss of (up to B, T) targets, without dropout."""
        rows = len(ids)
        if rows < self._batch:  # one shape is one compilation
            ids, targets = (np.pad(part, ((0, self._batch - rows), (0, 0))) for part in (ids, targets))
        return float(self._loss(*_tensors((ids, targets))).numpy()[:rows].mean(dtype=np.float64))

    def _accumulated(self, batches: Sequence[Any], seeds: Sequence[Any]) -> Any:
        if not self._sums:
            self._sums = [tf.Variable(tf.zeros(v.shape)) for v in self._optimizer.variables.values()]
        for held in self._sums:
            held.assign(tf.zeros(held.shape))
        total = 0.0
        for batch, seed in zip(batches, seeds, strict=True):
            total += self._add(*_tensors(batch), tf.constant(seed))
        return total / len(batches)

    # What is compiled

    def _one_batch(self, ids: Any, targets: Any, seed: Any, scalars: Any) -> tuple[Any, Any]:
        loss, gradients = self._gradients(ids, targets, seed)
        return loss, self._update(gradients, loss, scalars)

    def _gather(self, ids: Any, targets: Any, seed: Any) -> Any:
        loss, gradients = self._gradients(ids, targets, seed)
        for held, gradient in zip(self._sums, gradients, strict=True):
            held.assign_add(gradient)
        return loss

    def _finish(self, share: Any, loss: Any, scalars: Any) -> Any:
        return self._update([held * share for held in self._sums], loss, scalars)

    def _gradients(self, ids: Any, targets: Any, seed: Any) -> tuple[Any, list[Any]]:
        if self._model.config.drop_rate:
            self._model.seeds.state.assign(seed)
        return loss_and_gradients(self._model, ids, targets, training=True)

    def _update(self, gradients: list[Any], loss: Any, scalars: Any) -> Any:
        squares = [tf.reduce_sum(tf.square(tf.cast(g, tf.float64))) for g in gradients]
        norm = tf.cast(tf.sqrt(tf.add_n(squares)), tf.float32)
        if self._clip:
            shrink = tf.minimum(1.0, self._clip / (norm + 1e-6))
            gradients = [gradient * shrink for gradient in gradients]
        keep = tf.logical_not(tf.math.is_finite(loss) & tf.math.is_finite(norm))
        self._optimizer.update(gradients, scalars, keep)
        return norm

    def _row_losses(self, ids: Any, targets: Any) -> Any:
        return tf.reduce_mean(self._model.losses_of(ids, targets), axis=-1)


def _tensors(batch: Any) -> tuple[Any, Any]:
    ids, targets = batch
    return tf.cast(ids, tf.int32), tf.cast(targets, tf.int32)
