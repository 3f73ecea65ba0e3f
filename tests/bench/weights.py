"""What it takes to open GPT-2's 124 M shape: against ``transformers.from_pretrained``, and from TensorFlow's own files.

Each measurement is a process of its own that imports its libraries first. Memory is the peak of resident pages above
what the process had with its libraries imported, after one forward pass, so that mapped weights count too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from core.config import GPTConfig
from core.files import write_json_atomic
from core.tokenizers.openai import TiktokenTokenizer
from core.tokenizers.vocabularies import GPT2_PATTERN
from core.weights.huggingface import CONFIG, WEIGHTS, config_dict
from core.weights.keymap import tensor_names
from core.weights.tensor_writer import Planned, TensorWriter
from core.weights.tokenizer_files import write_tokenizer
from tests.bench.idle import check_idle
from tests.bench.result import Result

SHAPE = GPTConfig.preset("gpt2")
WEIGHT_BYTES = 4 * SHAPE.parameters()

# Prints the seconds of loading, of loading and a first forward pass, and of the tokenizer; the peak above the start in
# bytes; the spread of the logits. One thread, since with two a busy neighbour decides.
_MEASURE = """
import json, resource, sys, time, torch
torch.set_num_threads(1)
folder = sys.argv[1]
{imports}
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
def highest():  # of this program alone: ru_maxrss begins with what the parent had
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
ids = torch.arange(64)[None]
begin, start = resident(), time.perf_counter()
{load}
loaded = time.perf_counter()
with torch.no_grad():
    logits = {call}
done = time.perf_counter()
peak = highest()
again = time.perf_counter()
{tokenizer}
tokenizer = time.perf_counter() - again
print(json.dumps([loaded - start, done - start, tokenizer, peak - begin, float(logits.double().std())]))
"""
OURS = _MEASURE.format(
    imports="import core.weights.checkpoint as c, core.model.gpt, core.training.measure, tiktoken",
    load="where = c.ready(folder); model, _ = c.load_weights(where, device='cpu')",
    call="model(ids)",
    tokenizer="c.tokenizer_of(where.folder, where.config)",
)
THEIRS = _MEASURE.format(
    imports="from transformers import GPT2LMHeadModel, GPT2TokenizerFast",
    load="model = GPT2LMHeadModel.from_pretrained(folder).eval()",
    call="model(ids).logits",
    tokenizer="GPT2TokenizerFast.from_pretrained(folder)",
)

# Writes a checkpoint as OpenAI's are, with TensorFlow's own saver.
WRITE_TENSORFLOW = """
import json, sys
import numpy as np
import tensorflow as tf
folder, shapes = sys.argv[1], json.loads(sys.argv[2])
rng, v1 = np.random.default_rng(0), tf.compat.v1
with tf.Graph().as_default(), v1.Session() as session:
    for name, shape in shapes:
        v1.get_variable(name, shape, initializer=v1.zeros_initializer())
    saver = v1.train.Saver()
    for variable in v1.global_variables():
        variable.load(0.02 * rng.standard_normal(variable.shape, dtype=np.float32), session)
    saver.save(session, folder + "/model.ckpt")
"""

# The child of a conversion and what it needs above TensorFlow, which is imported first.
_CONVERT = """
import json, resource, sys, time
from pathlib import Path
import tensorflow
from core.config import GPTConfig
from core.weights.openai import checkpoint_prefix, read_hparams
from core.weights.openai_child import convert
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
def highest():  # of this program alone: ru_maxrss begins with what the parent had
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
folder = Path(sys.argv[1])
begin, start = resident(), time.perf_counter()
convert(checkpoint_prefix(folder), read_hparams(folder), folder / "out.safetensors", lambda said: None)
seconds = time.perf_counter() - start
peak = highest()
print(json.dumps([seconds, peak - begin]))
"""


def make_folder(folder: Path) -> None:
    """A folder of Hugging Face's with random weights of the 124 M shape and a vocabulary of the right size."""
    rng = np.random.default_rng(0)
    names = tensor_names(SHAPE)
    plan = [Planned(name.huggingface, name.shape_in("huggingface")) for name in names]
    with TensorWriter(folder / WEIGHTS, plan, {"format": "pt"}) as writer:
        for tensor in plan:
            values = rng.standard_normal(tensor.shape, dtype=np.float32)
            writer.write(tensor.name, values * 0.02 + (1.0 if "ln_" in tensor.name else 0.0))
        writer.finish()
    ranks = {bytes([b]): b for b in range(256)}
    ranks |= {bytes(divmod(pair, 256)): 256 + pair for pair in range(50_000)}
    write_tokenizer(TiktokenTokenizer("bench", GPT2_PATTERN, ranks, {"<|endoftext|>": 50_256}), folder)
    write_json_atomic(folder / CONFIG, config_dict(SHAPE, 50_256))


def _run(code: str, *arguments: str) -> list[float]:
    env = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="")
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
    last = done.stdout.strip().splitlines()[-1:] or ["[]"]
    return [float(value) for value in json.loads(last[0])]


def measure(quick: bool = False) -> list[Result]:
    """Seconds and peak of loading, ours and theirs in turns, and the peak of a conversion."""
    check_idle()
    if sys.platform != "linux":
        return []
    turns = 2 if quick else 5
    with tempfile.TemporaryDirectory() as root:
        make_folder(Path(root))
        ours, theirs = [], []
        for _ in range(turns):
            ours.append(_run(OURS, root))
            theirs.append(_run(THEIRS, root))
    return [*_loading(ours, theirs), *_converting()]


def _loading(ours: list[list[float]], theirs: list[list[float]]) -> list[Result]:
    def best(rows: list[list[float]], *columns: int) -> float:
        return min(sum(row[column] for column in columns) for row in rows)

    peak, their_peak = (best(rows, 3) / WEIGHT_BYTES for rows in (ours, theirs))
    apart = abs(ours[0][4] - theirs[0][4]) / theirs[0][4]
    return [
        _against_theirs("loading 124M against from_pretrained", best(ours, 0), best(theirs, 0), _AGREE.format(apart)),
        _against_theirs("the same with a first forward pass", best(ours, 1), best(theirs, 1), ""),
        _against_theirs("the same with the tokenizers of both", best(ours, 1, 2), best(theirs, 1, 2), ""),
        Result(
            "weights: peak above torch, in sizes of the weights, after a forward pass",
            peak,
            their_peak,
            "sizes",
            peak / their_peak,
            "<= 1.2 sizes",
            peak <= 1.2,
        ),
    ]


_AGREE = "the spread of the logits differs by {:.1e}"


def _against_theirs(name: str, ours: float, theirs: float, note: str) -> Result:
    return Result(f"weights: {name}", ours * 1000, theirs * 1000, "ms", ours / theirs, "<= 1", ours <= theirs, note)


def _converting() -> list[Result]:
    shapes = [(name.openai, name.shape_in("openai")) for name in tensor_names(SHAPE)]
    with tempfile.TemporaryDirectory() as root:
        _run(WRITE_TENSORFLOW, root, json.dumps(shapes))
        fields = {"n_vocab": SHAPE.vocab_size, "n_ctx": SHAPE.context_length, "n_embd": SHAPE.emb_dim}
        fields |= {"n_head": SHAPE.n_heads, "n_layer": SHAPE.n_layers}
        Path(root, "hparams.json").write_text(json.dumps(fields))
        seconds, peak = _run(_CONVERT, root)
    return [
        Result(
            "weights: converting OpenAI's 124M, peak above TensorFlow, in sizes of the weights",
            peak / WEIGHT_BYTES,
            None,
            "sizes",
            None,
            "<= 1.3",
            peak <= 1.3 * WEIGHT_BYTES,
            f"{seconds:.1f} s",
        )
    ]
