"""What is fuzzed: for each kind of file good examples, and everything of ours that reads it.

A reader may refuse a file with a ``LabError``, pass over what it cannot use, or read it; nothing else.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config import GPTConfig, TrainConfig
from core.training.events import (
    CheckpointEvent,
    EndEvent,
    EvalEvent,
    Event,
    ResumeEvent,
    SampleEvent,
    StartEvent,
    StateEvent,
    StepEvent,
    WarningEvent,
)

TEXT = "the quick brown fox\njumps over <|endoftext|> the lazy dog, é日👍🏽\x1b[2J"


@dataclass(frozen=True)
class Target:
    """One kind of file."""

    name: str
    """What the file is called, in the folder that ``read`` gets."""
    seeds: tuple[bytes, ...]
    read: Callable[[Path], object]
    words: tuple[bytes, ...] = ()
    """Pieces that mean something in it, put into it at random."""
    beside: Mapping[str, bytes] | None = None
    """Files that must be there too."""


def lines(events: list[Event]) -> bytes:
    """Events as metrics.jsonl has them."""
    return b"".join(json.dumps(event.to_dict()).encode() + b"\n" for event in events)


EVENTS: list[Event] = [
    StartEvent(0, 0.0, 0, 9, 100, 1000, 100, 2.0),
    *(StepEvent(n, n / 4, n * 64, 4.0 / n, 1e-3, 1.0, 640.0, 0.1) for n in range(1, 8)),
    EvalEvent(7, 2.0, 448, 2.0, 2.1, 8.1, True),
    SampleEvent(7, 2.0, 448, "the", " cat"),
    CheckpointEvent(7, 2.0, 448, "checkpoints/step-000007", 0.1),
    StateEvent(7, 2.0, 448, "paused", "asked", "abc"),
    WarningEvent(7, 2.0, 448, "title", "hint"),
    ResumeEvent(5, 1.5, 320, 5, {"max_steps": [9, 12], "threads": [1, 2]}, False),
    StepEvent(6, 1.6, 384, 3.0, 1e-3, 1.0, 640.0, None),
    EndEvent(6, 1.6, 384, "failed", "title", "hint"),
]
META = {"format": 1, "name": "x", "created": 1.7e9, "parameters": 100, "config": TrainConfig().to_dict()}
STATUS = {
    "state": "stopped", "phase": "train", "step": 6, "max_steps": 9, "step_time": 1.7e9, "updated": 1.7e9,
    "started": 1.7e9, "pid": 1, "host": "elsewhere", "message": "", "answered": None,
    "answers": [{"id": "a", "request": "pause", "step": 3, "time": 1.7e9}],
}  # fmt: skip
JSON_WORDS = (
    b"null", b"true", b"[]", b"{}", b"-1", b"1e999", b"1e308", b"-0", b"9" * 30, b"9" * 400, b'""', b'"\\ud800"',
    b'"\\u0000"', b"NaN", b"Infinity", b"[[[[", b'{"a":', b"\n", b'"../../x"', b"\xff", b"18446744073709551616",
)  # fmt: skip


def read_run(folder: Path) -> object:
    """A run by all that lists, opens, follows and sums it up."""
    from core.training.runs import list_runs, open_run
    from lab.cli.progress import Tally, last_line
    from lab.cli.runs import print_table

    rows = [row.to_dict() for row in list_runs(folder.parent)]
    from lab.cli import runs as command

    print_table(("",) * 10, [command._row(row) for row in list_runs(folder.parent)])
    run = open_run(folder)
    history = run.history()
    history.update()
    tally = Tally(0)
    for event in run.events():
        tally.add(event)
    seen = rows, run.state, run.status(), run.log(), run.checkpoints, run.snapshots, history.best, history.last_step
    return seen, last_line(run.name, run.path, tally), run.config, run.max_steps


def read_control(folder: Path) -> object:
    """Requests, as a trainer takes them."""
    from core.training.requests import RequestReader

    return RequestReader(folder, 0.0).read()


def read_foreign(folder: Path) -> object:
    """Another program's run, as ``watch`` reads it."""
    from core.training.watched import open_watched

    run = open_watched(folder)
    history = run.history()
    history.update()
    return list(run.events()), history.best, run.state, run.log(), run.status(), run.max_steps


def read_tokenizer(folder: Path) -> object:
    """A tokenizer of ours; one that opens must also work."""
    from core.tokenizers import load_tokenizer

    return use(load_tokenizer(folder))


def read_bpe(folder: Path) -> object:
    """OpenAI's pair of files, or tiktoken's ranks."""
    from core.tokenizers.bpe_files import open_bpe

    return use(open_bpe(folder))


def use(tokenizer: object) -> object:
    """Encodes and decodes, there and back."""
    from core.errors import TokenizerError

    try:
        ids = tokenizer.encode(TEXT, disallowed_special=())  # type: ignore[attr-defined]
    except TokenizerError:
        ids = []
    listed = tokenizer.tokens(TEXT[:3]) if ids else ()  # type: ignore[attr-defined]
    known = range(min(5, tokenizer.vocab_size))  # type: ignore[attr-defined]
    for token in known:
        try:
            tokenizer.token_bytes(token)  # type: ignore[attr-defined]
        except TokenizerError:
            continue
    return tokenizer.decode(ids), listed, tokenizer.fingerprint  # type: ignore[attr-defined]


def read_tensors(folder: Path) -> object:
    """A safetensors file, and each of its tensors."""
    from core.weights.tensor_file import TensorFile

    file = TensorFile(folder / "model.safetensors")
    return [float(np.nansum(file.raw(name).astype(np.float64))) for name in file.entries]


def read_model(folder: Path) -> object:
    """A folder of a model, as all that opens it does."""
    from core.shelf import describe
    from core.weights.checkpoint import load_model
    from core.weights.inspect import tensors

    return describe(str(folder)), tensors(str(folder)), load_model(str(folder), device="cpu")


def read_checkpoint(folder: Path) -> object:
    """The state of a checkpoint of ours."""
    from core.training.checkpoints import load_checkpoint
    from core.training.stored import find_checkpoint, list_checkpoints

    step = folder / "checkpoints" / "step-000001"
    if not step.exists():
        step.mkdir(parents=True)
    (step / "state.json").write_bytes((folder / "state.json").read_bytes())
    return list_checkpoints(folder), load_checkpoint(find_checkpoint(folder))


def tensor_bytes(tensors: Mapping[str, np.ndarray]) -> bytes:
    """A safetensors file."""
    header, data = {}, b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensorboard(framed: bool) -> bytes:
    """An event file as we write them ourselves."""
    from core.training.foreign.summaries import encode_scalars, encode_version
    from core.training.foreign.tfrecord import frame

    records = [encode_version(1.7e9)]
    records += [
        encode_scalars(1.7e9 + n, n, {"train/loss": 4.0 / n, "eval/loss": 3.0, "lr": 1e-3}) for n in range(1, 9)
    ]
    return b"".join(map(frame, records)) if framed else b"\x00".join(records)


def our_tokenizers() -> tuple[bytes, ...]:
    """tokenizer.json of each kind that keeps one."""
    import tempfile

    from core.tokenizers import get_tokenizer
    from core.tokenizers.bpe import BPETokenizer

    with tempfile.TemporaryDirectory() as folder:
        made = [get_tokenizer(name, "the cat, the dog.\nétude") for name in ("char", "words-v1", "words-v2", "byte")]
        found = []
        for tokenizer in (*made, BPETokenizer.train("the cat the dog the end " * 9, 270)):
            tokenizer.save(folder)
            found.append((Path(folder) / "tokenizer.json").read_bytes())
    return tuple(found)


def openai_pair() -> tuple[bytes, bytes, bytes]:
    """encoder.json, vocab.bpe, and tiktoken's ranks of the same."""
    import tempfile

    from core.tokenizers.bpe import BPETokenizer

    tokenizer = BPETokenizer.train("the cat the dog the end " * 9, 264)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.write_openai_files(Path(folder))
        pair = (Path(folder) / "encoder.json").read_bytes(), (Path(folder) / "vocab.bpe").read_bytes()
    ranks = b"".join(base64.b64encode(tokenizer.token_bytes(i)) + b" %d\n" % i for i in range(263))
    return *pair, ranks


def targets() -> dict[str, Target]:
    """All of them by name."""
    encoder, merges, ranks = openai_pair()
    metrics, meta, status = lines(EVENTS), json.dumps(META).encode(), json.dumps(STATUS).encode()
    whole = {"metrics.jsonl": metrics, "run.json": meta, "status.json": status, "trainer.log": b"said\n"}
    shape = GPTConfig(257, 4, 4, 1, 1)
    config = json.dumps({"format": "llm-lab", "version": 1, "model": shape.to_dict()}).encode()
    state = json.dumps(
        {
            "global_step": 8, "max_steps": 9, "num_train_epochs": 3, "best_metric": 1.0, "train_batch_size": 2,
            "log_history": [{"step": n, "epoch": n / 8, "loss": 4.0 / n, "learning_rate": 1e-3} for n in range(1, 8)]
            + [{"step": 8, "eval_loss": 2.0}],
        }
    ).encode()  # fmt: skip
    log = b"number of parameters: 10.65M\nstep 0: train loss 4.2874, val loss 4.2823\n"
    log += b"".join(b"iter %d: loss %.4f, time 99.9ms, mfu 1.90%%\n" % (n, 4 / (n + 1)) for n in range(9))
    some = tensor_bytes({"a": np.ones((2, 3)), "b": np.zeros(4)})
    checked = json.dumps(
        {"format": 1, "step": 1, "saved": 1.0, "files": {}, "state": {"step": 1}, "check": "x"}
    ).encode()
    rest = {"tokenizer.json": our_tokenizers()[-1], "model.safetensors": some}
    huggingface = json.dumps({"model_type": "gpt2", "n_embd": 4, "n_head": 1, "n_layer": 1, "vocab_size": 257}).encode()
    request = b'{"id":"a","request":"pause","time":1.7e9}\n{"id":"b","request":"stop","time":1.7e9}\n'
    return {
        "metrics.jsonl": Target("metrics.jsonl", (metrics,), read_run, JSON_WORDS, whole),
        "run.json": Target("run.json", (meta,), read_run, JSON_WORDS, whole),
        "status.json": Target("status.json", (status,), read_run, JSON_WORDS, whole),
        "control.jsonl": Target("control.jsonl", (request,), read_control, JSON_WORDS),
        "state.json": Target("state.json", (checked,), read_checkpoint, JSON_WORDS),
        "trainer_state.json": Target("trainer_state.json", (state,), read_foreign, JSON_WORDS),
        "tensorboard": Target("events.out.tfevents.1.x", (tensorboard(True),), read_foreign),
        "nanogpt": Target("train.log", (log,), read_foreign, (b"iter ", b"step ", b"nan", b"1e999", b"-", b":")),
        "tokenizer.json": Target("tokenizer.json", our_tokenizers(), read_tokenizer, JSON_WORDS),
        "encoder.json": Target("encoder.json", (encoder,), read_bpe, JSON_WORDS, {"vocab.bpe": merges}),
        "vocab.bpe": Target("vocab.bpe", (merges,), read_bpe, (b" ", b"\n", "Ġ".encode()), {"encoder.json": encoder}),
        "tiktoken": Target("x.tiktoken", (ranks,), read_bpe, (b" ", b"\n", b"=", b"9" * 20, b"-1")),
        "safetensors": Target("model.safetensors", (some,), read_tensors, (*JSON_WORDS, b'"F16"', b'"I64"', b"\0" * 8)),
        "config.json": Target("config.json", (config, huggingface), read_model, JSON_WORDS, rest),
    }
