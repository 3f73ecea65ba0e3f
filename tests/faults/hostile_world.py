"""Runs, texts, models, vectors and logs of a stranger whose names and contents try to steer the terminal."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from core.config import TrainConfig
from core.training.events import EndEvent, SampleEvent, WarningEvent
from core.training.rundir import LOG, METRICS, STATUS
from core.training.trainer import Trainer

TITLE = "\x1b]0;PWNED\x07"
STEER = f"{TITLE}\x1b[8;666;1t\x1b[2J\x1bc\x1b(0\x9b31m\x90x\x9c\x08\x7f\u202etxt\u2066"
"""Sets the title, the size, the characters; clears, resets; the same by C1; turns the direction of writing."""
MARKUP = "[@click=app.quit_lab]here[/][bold"
"""What the toolkit would take for a link to an action, and for a tag that is never closed."""
NAME = f"r{STEER.replace('/', '')}{MARKUP.replace('/', '')}"
ALLOWED = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[\d*[AK]|\r")
"""What our own bars and lines send."""
_STEERING = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")
MARKS = (
    b"\x1b]0;",
    b"\x1b[8;666",
    b"\x1bc",
    b"\x1b(0",
    b"\x07",
    b"\x08",
    b"\x7f",
    "\u202e".encode(),
    "\u2066".encode(),
)
"""Pieces of ``STEER`` that no program of ours sends."""


@dataclass(frozen=True)
class World:
    """Where the stranger's things lie."""

    run: Path
    corpus: Path
    vectors: Path
    foreign: Path


def build(folder: Path, runs: Path) -> World:
    """Makes them; the run is one of our trainer's, on a text with control characters, a character a token."""
    folder.mkdir()
    corpus = folder / f"text{STEER}{MARKUP.replace('/', '')}.txt"
    corpus.write_text(f"the {STEER} cat{MARKUP}\n" * 60, encoding="utf-8")
    run = runs / NAME
    config = TrainConfig().override(
        corpus=str(corpus), tokenizer="char", n_layers=1, n_heads=2, emb_dim=8, context_length=16, batch_size=2,
        max_steps=4, eval_interval=2, sample_interval=2, sample_prompt=STEER, checkpoint_interval=2, snapshot_count=2,
        device="cpu", dtype="float32", threads=1, run_dir=str(run),
    )  # fmt: skip
    for _ in Trainer(config).run():
        pass
    said = (
        WarningEvent(4, 1.0, 100, STEER + MARKUP, STEER),
        SampleEvent(4, 1.0, 100, STEER, f"{MARKUP}{STEER}\n{MARKUP}{STEER}"),
        EndEvent(4, 1.0, 100, "stopped", STEER, MARKUP),
    )
    with (run / METRICS).open("a") as file:
        file.writelines(json.dumps(event.to_dict()) + "\n" for event in said)
    (run / LOG).write_text(f"{STEER}{MARKUP}\n" * 3, encoding="utf-8")
    status = json.loads((run / STATUS).read_text())
    (run / STATUS).write_text(json.dumps({**status, "state": "stopped", "phase": STEER, "message": STEER + MARKUP}))
    vectors = folder / f"words{STEER}.txt"
    words = [f"w{n}{STEER}".replace("\n", "") for n in range(12)]
    vectors.write_text("".join(f"{w} {n} {n * n % 7} 1\n" for n, w in enumerate(words, 1)), encoding="utf-8")
    foreign = folder / f"theirs{STEER}"
    foreign.mkdir()
    history = [{"step": n, "loss": 3.0 / n, f"x{STEER}{MARKUP}": 1.0} for n in range(1, 9)]
    state = {"log_history": history, "global_step": 8, "max_steps": 8, "best_model_checkpoint": STEER}
    (foreign / "trainer_state.json").write_text(json.dumps(state))
    return World(run, corpus, vectors, foreign)


def steering(drawn: bytes, allowed: re.Pattern[bytes] = ALLOWED) -> bytes:
    """What stands around the first control character in an output that is not one of ours; nothing if there is none."""
    rest = allowed.sub(b"", drawn)
    found = _STEERING.search(rest)
    return rest[max(0, found.start() - 60) : found.end() + 60] if found else b""


def file_names_hold_anything(folder: Path) -> bool:
    """Whether files can have such names here at all."""
    try:
        (folder / f"x{STEER}").touch()
    except OSError:
        return False
    return os.name == "posix"
