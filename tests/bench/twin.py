"""Tokens a second of the Keras twin: our trainer's TensorFlow backend against a plain ``model.fit`` of an equal GPT.

The peer is what a Keras user writes: ``keras.layers.MultiHeadAttention`` with its causal mask, ``ReversibleEmbedding``
for the tied head, ``AdamW``, ``fit`` over a ``tf.data`` pipeline with prefetching, compiled as Keras decides. Same
shape, same windows, float32 both. Our PyTorch backend is measured beside them, for the ratio alone. Each side runs in
processes of its own, in turns, and the best of its turns counts.
"""

from __future__ import annotations

import json

from tests.bench.idle import check_idle
from tests.bench.result import Result
from tests.bench.training import TIMING, child

SHAPES = {  # name: (layers, heads, width, context, batch, vocabulary)
    "shakespeare-tf": (4, 4, 256, 100, 8, 50257),
    "by character": (4, 4, 128, 64, 12, 65),
}
WINDOWS = """
import numpy as np
from core.data.windows import Windows, batch_indices
layers, heads, width, context, batch, vocabulary, seconds = json.loads(sys.argv[1])
windows = Windows(np.random.default_rng(0).integers(0, vocabulary, 300_000), context, 4)
"""
OURS = (
    """
import json, os, sys, time
from core.training.launch import prepare_environment
prepare_environment()
"""
    + WINDOWS
    + """
from core.config import GPTConfig, TrainConfig
from core.training.backend import make_backend
config = TrainConfig(model=GPTConfig(vocabulary, context, width, heads, layers), batch_size=batch, device="cpu",
                     dtype="float32", backend=sys.argv[2])
backend, count = make_backend(config), 0
feed = backend.feed(lambda n: windows.gather(batch_indices("sliding", len(windows), batch, 1, n)), range(1_000_000))
def step():
    global count
    backend.train_step([next(feed)], count, 1.0)
    count += 1
"""
    + TIMING
)
PEER = (
    """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
"""
    + WINDOWS
    + """
import keras
import tensorflow as tf
from core.keras_twin.tf_windows import dataset

class Positions(keras.layers.Layer):
    def build(self, shape):
        self.table = self.add_weight(shape=(context, width), initializer="normal")
    def call(self, x):
        return x + self.table

tokens = keras.layers.ReversibleEmbedding(vocabulary, width)
ids = keras.Input((context,), dtype="int32")
x = Positions()(tokens(ids))
for _ in range(layers):
    y = keras.layers.LayerNormalization(epsilon=1e-5)(x)
    x = x + keras.layers.MultiHeadAttention(heads, width // heads)(y, y, use_causal_mask=True)
    y = keras.layers.LayerNormalization(epsilon=1e-5)(x)
    y = keras.layers.Dense(4 * width, activation=lambda v: keras.activations.gelu(v, approximate=True))(y)
    x = x + keras.layers.Dense(width)(y)
logits = tokens(keras.layers.LayerNormalization(epsilon=1e-5)(x), reverse=True)
model = keras.Model(ids, logits)
model.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.1),
              keras.losses.SparseCategoricalCrossentropy(from_logits=True))

class Clock(keras.callbacks.Callback):
    best = float("inf")
    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            self.best = min(self.best, (time.perf_counter() - self.start) / 5)
            self.model.stop_training = time.perf_counter() - self.begin > seconds
        else:
            self.begin = time.perf_counter()

clock = Clock()
model.fit(dataset(windows, batch, steps=1_000_000), steps_per_epoch=5, epochs=100_000, verbose=0, callbacks=[clock])
print(json.dumps([batch * context / clock.best, int(sum(np.prod(v.shape) for v in model.trainable_variables))]))
"""
)


def measure(quick: bool = False) -> list[Result]:
    """Both shapes against ``model.fit``; the ratio to PyTorch is a note."""
    from core.config import GPTConfig

    check_idle()
    results, turns, seconds = [], 1 if quick else 3, 4 if quick else 8
    for name, shape in SHAPES.items():
        layers, heads, width, context, _, vocabulary = shape
        asked, figures = json.dumps([*shape, seconds]), {"peer": 0.0, "tensorflow": 0.0, "torch": 0.0}
        for _ in range(turns):
            peer, parameters = json.loads(child(PEER, asked))
            assert parameters == GPTConfig(vocabulary, context, width, heads, layers).parameters()
            figures["peer"] = max(figures["peer"], peer)
            for backend in ("tensorflow", "torch"):
                figures[backend] = max(figures[backend], float(child(OURS, asked, backend)))
        ours, peer, torch = figures["tensorflow"], figures["peer"], figures["torch"]
        results.append(
            Result(
                f"twin {name}: tokens/s against model.fit of an equal Keras GPT",
                ours,
                peer,
                "tokens/s",
                ours / peer,
                ">= 1 x",
                ours >= peer,
                f"float32; our PyTorch trainer {torch:,.0f}: the twin has {ours / torch:.2f} of it",
            )
        )
    return results
