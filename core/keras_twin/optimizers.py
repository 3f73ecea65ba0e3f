"""AdamW as PyTorch has it, and plain gradient descent.

Keras's own AdamW divides by ``sqrt(v) + epsilon`` with the bias correction moved into the learning rate; PyTorch's (and
the paper's) by ``sqrt(v / (1 - beta2^t)) + epsilon``. With epsilon 1e-8 the two part where gradients are small, so the
twin has the paper's. Matrices decay, biases and norms do not, as in ``core.training.optimizers``.

Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from core.errors import CheckpointError
from core.keras_twin.weights import is_turned, to_ours

EPSILON = 1e-8
_MOMENTS = ("exp_avg", "exp_avg_sq")


class AdamW:
    """Moments of each variable, and the update that they decide.

    Args:
        variables: what is trained, by our names.
        beta1: decay of the gradient's mean.
        beta2: decay of the gradient's square.
        weight_decay: decay of matrices.
    """

    def __init__(self, variables: Mapping[str, Any], beta1: float, beta2: float, weight_decay: float) -> None:
        self.variables, self.beta1, self.beta2, self.weight_decay = dict(variables), beta1, beta2, weight_decay
        self.steps = 0
        """Updates so far."""
        self._moments = {
            moment: {name: tf.Variable(tf.zeros(v.shape)) for name, v in self.variables.items()} for moment in _MOMENTS
        }

    def scalars(self, learning_rate: float) -> Any:
        """What the next update needs beside the gradients: (rate, 1 - beta1^t, sqrt(1 - beta2^t)) as (3,) float32."""
        t = self.steps + 1
        return tf.constant([learning_rate, 1 - self.beta1**t, math.sqrt(1 - self.beta2**t)], tf.float32)

    def update(self, gradients: Sequence[Any], scalars: Any, keep: Any) -> None:
        """Changes variables and moments in place; traced into a compiled step.

        Args:
            gradients: in the order of the variables.
            scalars: as ``scalars()`` gives them.
            keep: where true, nothing changes (the loss was not finite).
        """
        rate, correction_1, correction_2 = tf.unstack(scalars)
        means, squares = (list(self._moments[moment].values()) for moment in _MOMENTS)
        for variable, gradient, mean, square in zip(self.variables.values(), gradients, means, squares, strict=True):
            m = mean + (gradient - mean) * (1 - self.beta1)
            v = square * self.beta2 + gradient * gradient * (1 - self.beta2)
            value = tf.convert_to_tensor(variable)
            decay = self.weight_decay if len(variable.shape) > 1 else 0.0
            changed = value * (1 - rate * decay) - rate / correction_1 * m / (tf.sqrt(v) / correction_2 + EPSILON)
            mean.assign(tf.where(keep, mean, m))
            square.assign(tf.where(keep, square, v))
            variable.assign(tf.where(keep, value, changed))

    def arrays(self) -> dict[str, Any]:
        """The state by our names in our layout: ``exp_avg/NAME``, ``exp_avg_sq/NAME``, and ``step``."""
        out: dict[str, Any] = {
            f"{moment}/{name}": to_ours(name, value.numpy(), turned=is_turned(name, value))
            for moment in _MOMENTS
            for name, value in self._moments[moment].items()
        }
        return out | {"step": np.array(self.steps, dtype=np.float32)}

    def load(self, tensors: Mapping[str, Any]) -> None:
        """Takes over what ``arrays()`` gave (arrays or CPU tensors).

        Raises:
            CheckpointError: a tensor is missing, or has another shape.
        """
        for name, own in self.arrays().items():
            if name not in tensors or tuple(tensors[name].shape) != own.shape:
                came = f"shape {tuple(tensors[name].shape)}" if name in tensors else "nothing"
                raise CheckpointError(
                    f"the optimizer's {name} should have shape {own.shape}, the checkpoint has {came}",
                    "resume with the same model and optimizer, or start a new run with --init-from",
                )
        for moment in _MOMENTS:
            for name, variable in self._moments[moment].items():
                value = np.asarray(tensors[f"{moment}/{name}"], dtype=np.float32)
                variable.assign(value.T if is_turned(name, variable) else value)
        self.steps = int(tensors["step"])


def descend(variables: Sequence[Any], gradients: Sequence[Any], learning_rate: float) -> None:
    """Plain gradient descent: each variable less ``learning_rate`` times its gradient."""
    for variable, gradient in zip(variables, gradients, strict=True):
        variable.assign(tf.convert_to_tensor(variable) - learning_rate * gradient)
