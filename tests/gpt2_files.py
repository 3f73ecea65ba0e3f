"""Small GPT-2s in other people's files, as they write them: TensorFlow's saver, transformers' save_pretrained."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from core.config import GPTConfig
from core.tokenizers.bpe import BPETokenizer

SHAPE = GPTConfig(300, 16, 32, 4, 2)

_ROOT = Path(__file__).resolve().parent.parent
_TENSORFLOW = """
import json, os, sys
from pathlib import Path
answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
os.dup2(2, 1)
import numpy as np
import tensorflow as tf
from core.config import GPTConfig
from core.errors import LabError
from core.weights import openai_child

def say(what):
    answers.write(json.dumps(what) + "\\n")

def write(folder):
    v1, values = tf.compat.v1, np.load(folder + "/values.npz")
    with tf.Graph().as_default(), v1.Session() as session:
        for name in values.files:
            v1.get_variable(name, initializer=values[name])
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, folder + "/model.ckpt")

def convert(orders):
    try:
        config = GPTConfig.from_dict(orders["config"])
        openai_child.convert(Path(orders["prefix"]), config, Path(orders["target"]), say)
    except LabError as error:
        say({"error": error.to_dict(), "kind": type(error).__name__})

for line in sys.stdin:
    orders = json.loads(line)
    write(orders["write"]) if "write" in orders else convert(orders)
    say({"end": True})
"""


@cache
def _tensorflow() -> subprocess.Popen[str]:
    """A process that has TensorFlow loaded, which takes seconds: one for all tests."""
    env = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    process = subprocess.Popen(
        [sys.executable, "-c", _TENSORFLOW],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        cwd=_ROOT,
        env=env,
    )
    atexit.register(process.wait)
    atexit.register(process.stdin.close)  # type: ignore[union-attr]
    return process


class WarmChild:
    """Stands for the child that reads with TensorFlow: the same code, in a process that has loaded it already.

    Put it in place of ``subprocess.Popen`` in core.child.
    """

    def __init__(self, *_: object, **__: object) -> None:
        self.stdin = self.stdout = self
        self.returncode: int | None = None

    def write(self, orders: str) -> None:
        process = _tensorflow()
        process.stdin.write(orders)  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]

    def flush(self) -> None:
        """All is on its way."""

    def __iter__(self) -> Iterator[str]:
        while self.returncode is None:
            line = _tensorflow().stdout.readline()  # type: ignore[union-attr]
            assert line, "TensorFlow has died"
            if "end" in json.loads(line):
                self.returncode = 0
            else:
                yield line

    def poll(self) -> int | None:
        return self.returncode

    def wait(self) -> int | None:
        return self.returncode

    def kill(self) -> None:
        for _ in self:
            pass

    def close(self) -> None:
        pass


def values_of(config: GPTConfig = SHAPE, seed: int = 0) -> dict[str, np.ndarray]:
    """Random values under OpenAI's names and in OpenAI's shapes, written out here and not taken from our table."""
    rng = np.random.default_rng(seed)
    c = config.emb_dim
    shapes = {"model/wte": (config.vocab_size, c), "model/wpe": (config.context_length, c)}
    for n in range(config.n_layers):
        for norm in ("ln_1", "ln_2"):
            shapes |= {f"model/h{n}/{norm}/g": (c,), f"model/h{n}/{norm}/b": (c,)}
        for name, width, out in (
            ("attn/c_attn", c, 3 * c),
            ("attn/c_proj", c, c),
            ("mlp/c_fc", c, 4 * c),
            ("mlp/c_proj", 4 * c, c),
        ):
            shapes |= {f"model/h{n}/{name}/w": (1, width, out), f"model/h{n}/{name}/b": (out,)}
    shapes |= {"model/ln_f/g": (c,), "model/ln_f/b": (c,)}
    return {
        name: (rng.standard_normal(shape, dtype=np.float32) * 0.2 + (name.endswith("/g"))).astype(np.float32)
        for name, shape in shapes.items()
    }


@cache
def _written() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="llm-lab-tf-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    np.savez(folder / "values.npz", **values_of())
    writer = WarmChild()
    writer.write(json.dumps({"write": str(folder)}) + "\n")
    assert list(writer) == []
    (folder / "values.npz").unlink()
    hparams = {"n_vocab": 300, "n_ctx": 16, "n_embd": 32, "n_head": 4, "n_layer": 2}
    (folder / "hparams.json").write_text(json.dumps(hparams))
    tokenizer = BPETokenizer.train("the quick brown fox jumps over the lazy dog " * 20, 300)
    words = tokenizer
    if tokenizer.vocab_size < 300:  # a text too small for as many merges
        words = BPETokenizer.train(" ".join(f"w{i} {i * 7919}" for i in range(2000)), 300)
    words.write_openai_files(folder)
    return folder


def openai_folder(folder: Path) -> Path:
    """A folder of OpenAI's kind that TensorFlow wrote, copied to ``folder``."""
    shutil.copytree(_written(), folder)
    return folder


def logits_by_numpy(values: dict[str, np.ndarray], config: GPTConfig, ids: list[int]) -> np.ndarray:
    """GPT-2 in float64 from OpenAI's own tensors, after src/model.py of github.com/openai/gpt-2; (T, V)."""
    v = {name.removeprefix("model/"): array.astype(np.float64) for name, array in values.items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        u = x.mean(-1, keepdims=True)
        s = ((x - u) ** 2).mean(-1, keepdims=True)
        return (x - u) / np.sqrt(s + 1e-5) * v[f"{name}/g"] + v[f"{name}/b"]

    def conv1d(x: np.ndarray, name: str) -> np.ndarray:
        return x @ v[f"{name}/w"][0] + v[f"{name}/b"]

    def gelu(x: np.ndarray) -> np.ndarray:
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    time, heads = len(ids), config.n_heads
    h = v["wte"][ids] + v["wpe"][:time]
    for n in range(config.n_layers):
        q, k, val = (
            part.reshape(time, heads, -1).transpose(1, 0, 2)
            for part in np.split(conv1d(norm(h, f"h{n}/ln_1"), f"h{n}/attn/c_attn"), 3, axis=-1)
        )
        w = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        w = np.where(np.tril(np.ones((time, time), bool)), w, -1e10)
        w = np.exp(w - w.max(-1, keepdims=True))
        a = (w / w.sum(-1, keepdims=True)) @ val
        h = h + conv1d(a.transpose(1, 0, 2).reshape(time, -1), f"h{n}/attn/c_proj")
        h = h + conv1d(gelu(conv1d(norm(h, f"h{n}/ln_2"), f"h{n}/mlp/c_fc")), f"h{n}/mlp/c_proj")
    return norm(h, "ln_f") @ v["wte"].T
