"""Tokens a second of the Keras twin: our trainer's TensorFlow backend against a plain ``model.fit`` of an equal GPT.

The peer is what a Keras user writes: ``keras.layers.MultiHeadAttention`` with its causal mask, ``ReversibleEmbedding``
for the tied head, ``AdamW``, ``fit`` over a ``tf.data`` pipeline with prefetching, compiled as Keras decides. Same
shape, same windows, float32 both. Our PyTorch backend is measured beside them, for the ratio alone.

Each side is one process, which is made and compiled once and then works when it is its turn: what disturbs one side
disturbs the others. Of each the quickest steps count, by the clock and by the processor's time, which busy neighbours
change less. What it is at is said on standard error.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.bench.idle import check_idle
from tests.bench.result import Result

SHAPES = {  # name: (layers, heads, width, context, batch, vocabulary), steps between two looks at the clock
    "shakespeare-tf": ((4, 4, 256, 100, 8, 50257), 2),
    "by character": ((4, 4, 128, 64, 12, 65), 10),
}
TURNS, ENOUGH = 6, 40.0
"""Of each side of a shape at most; and the seconds after which no other begins, two turns being the least."""
SIDE = """
import json, os, sys, time
lines, answers = sys.stdin, os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

class Turns:
    # What a side says of the steps between two looks at the clock, for as long as it is its turn.
    def wait(self):
        answers.write("[]\\n")
        self.next()
    def next(self):
        line = lines.readline()
        if not line:
            os._exit(0)
        self.found, self.end = [], time.perf_counter() + float(line)
    def begin(self):
        self.clocks = time.perf_counter(), time.process_time()
    def ended(self, steps):
        wall, cpu = time.perf_counter(), time.process_time()
        self.found.append([(wall - self.clocks[0]) / steps, (cpu - self.clocks[1]) / steps])
        if wall > self.end:
            answers.write(json.dumps(self.found) + "\\n")
            self.next()

turns = Turns()
"""
WINDOWS = """
import numpy as np
from core.data.windows import Windows, batch_indices
(layers, heads, width, context, batch, vocabulary), each = json.loads(sys.argv[1])
windows = Windows(np.random.default_rng(0).integers(0, vocabulary, 300_000), context, 4)
"""
OURS = (
    SIDE
    + """
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
def steps(n):
    global count
    for _ in range(n):
        backend.train_step([next(feed)], count, 1.0)
        count += 1
steps(3)
turns.wait()
while True:
    turns.begin()
    steps(each)
    turns.ended(each)
"""
)
PEER = (
    SIDE
    + """
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

assert model.count_params() == int(sys.argv[2]), "the peer has another shape"

class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:  # the first has compiled
            turns.wait()
        turns.begin()
    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            turns.ended(each)

model.fit(dataset(windows, batch, steps=1_000_000), steps_per_epoch=each, epochs=100_000, verbose=0,
          callbacks=[Clock()])
"""
)


@dataclass
class Side:
    """One process that trains when it is told to."""

    name: str
    process: subprocess.Popen[str]
    walls: list[float] = field(default_factory=list)
    """Seconds of a step by the clock."""
    cpus: list[float] = field(default_factory=list)
    """The same of processor time, all threads together."""

    def turn(self, seconds: float) -> None:
        """Lets it train for so long."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        for wall, cpu in self.answer():
            self.walls.append(wall)
            self.cpus.append(cpu)

    def answer(self) -> list[list[float]]:
        """What it says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended before its time, with {self.process.wait()}")
        found: list[list[float]] = json.loads(line)
        return found


def measure(quick: bool = False) -> Iterator[Result]:
    """Both shapes against ``model.fit``, by the clock and by processor time; the ratio to PyTorch is a note."""
    say("waiting for an idle machine")
    check_idle(20)
    for name in SHAPES:
        with ExitStack() as stack:
            sides = started(name, stack)
            begin, number = time.perf_counter(), 0
            while number < 2 or (number < TURNS and time.perf_counter() - begin < (ENOUGH / 3 if quick else ENOUGH)):
                number += 1
                for side in sides:
                    side.turn(1.5 if quick else 2.5)
                speeds = ", ".join(f"{side.name} {min(side.walls) * 1e3:,.1f}" for side in sides)
                say(f"{name}, turn {number}: best ms a step: {speeds}")
        yield from results(name, sides)


def started(name: str, stack: ExitStack) -> list[Side]:
    """The three sides of a shape, compiled and waiting."""
    from core.config import GPTConfig

    shape, each = SHAPES[name]
    layers, heads, width, context, _, vocabulary = shape
    parameters = GPTConfig(vocabulary, context, width, heads, layers).parameters()
    asked, sides = json.dumps([shape, each]), []
    for title, code, what in (
        ("model.fit", PEER, str(parameters)),
        ("our twin", OURS, "tensorflow"),
        ("our PyTorch", OURS, "torch"),
    ):
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code, asked, what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        stack.callback(stopped, process)
        sides.append(Side(title, process))
        sides[-1].answer()
        say(f"{name}: {title} is compiled, after {time.perf_counter() - begin:.0f} s")
    return sides


def stopped(process: subprocess.Popen[str]) -> None:
    """Ends a side and closes what it was told through."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def results(name: str, sides: list[Side]) -> Iterator[Result]:
    """The twin against the peer, by the clock and by processor time."""
    (_, _, _, context, batch, _), _ = SHAPES[name]
    for unit, column in (("second", "walls"), ("CPU second", "cpus")):
        peer, ours, torch = (batch * context / min(getattr(side, column)) for side in sides)
        yield Result(
            f"twin {name}: tokens a {unit} against model.fit of an equal Keras GPT",
            ours,
            peer,
            "tokens/s",
            ours / peer,
            ">= 1 x",
            ours >= peer,
            f"float32; our PyTorch trainer {torch:,.0f}: the twin has {ours / torch:.2f} of it",
        )


def say(text: str) -> None:
    """A line about what is being done."""
    print(text, file=sys.stderr, flush=True)
