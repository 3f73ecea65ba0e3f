"""Trains the demo run that ships in ``assets/demo``: ``make assets``.

An ordinary run of our own trainer, with our own byte-pair tokenizer, on the Python manual that comes with Python. What
ships of it is what a screen needs: the metrics, six 16-bit snapshots, the tokenizer, and a card that says what it is.
The checkpoints (weights and optimizer in 32 bits) stay behind. The text differs between Python releases, so run.json
and the card record its SHA-256.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from core.config import GPTConfig, TrainConfig
from core.files import read_json, write_json_atomic
from core.presets import TRAIN_PRESETS
from core.training.launch import prepare_environment

KEPT = ("metrics.jsonl", "tokenizer.json", "snapshots")
CORPUS = "python-docs"
VOCABULARY = 384
PROMPT = "The "


def demo_config(tokenizer: str) -> TrainConfig:
    """What the demo is: 4 layers, 4 heads, width 128, context 256; heads that a learner can recognise.

    Windows begin anywhere (``random``): with cuts that stay where they are, a model on so small a text learns what
    stands at which position instead of looking back. Positions begin as waves and move slowly (a low learning rate), so
    that a head finds the token before within the first thousand steps; a quarter of the windows repeats random tokens,
    from which induction heads are learnt on top of it.
    """
    return replace(
        TRAIN_PRESETS["shakespeare-1min"].config,
        corpus=CORPUS,
        tokenizer=tokenizer,
        model=GPTConfig(None, 256, 128, 4, 4, drop_rate=0.1, init_std=0.06, position_waves=0.25),
        windows="random",
        repeat_fraction=0.25,
        batch_size=8,
        learning_rate=0.004,
        weight_decay=0.02,
        max_steps=4200,
        eval_interval=100,
        sample_interval=300,
        checkpoint_interval=0,
        snapshot_count=7,
        sample_prompt=PROMPT,
        threads=1,
    )


def make_demo(target: Path) -> None:
    """Trains the demo and puts what ships of it into ``target``, in place of what was there."""
    from core.data.corpora import load_corpus
    from core.tokenizers.bpe import BPETokenizer
    from core.training.trainer import Trainer

    with tempfile.TemporaryDirectory() as folder:
        run_dir, vocabulary = Path(folder) / "demo", Path(folder) / "bpe"
        BPETokenizer.train(load_corpus(CORPUS), VOCABULARY).save(vocabulary)
        for event in Trainer(replace(demo_config(f"bpe:{vocabulary}"), run_dir=str(run_dir))).run():
            if event.kind in ("eval", "sample", "end"):
                sys.stderr.write(f"{event.to_dict()}\n")
        ship(run_dir, target)


def ship(run_dir: Path, target: Path) -> None:
    """Puts what a finished run of the demo needs on a screen, and its card, into ``target``."""
    from core.training.demo_card import write_card

    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "ships"
        fresh.mkdir()
        for name in KEPT:
            source = run_dir / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, fresh / name)
        meta, status = read_json(run_dir / "run.json") or {}, read_json(run_dir / "status.json") or {}
        # Whose machine it was is nobody's business, and its folders and processes mean nothing elsewhere.
        meta["config"]["tokenizer"] = f"bpe:{CORPUS}-{VOCABULARY}"
        write_json_atomic(fresh / "run.json", meta | {"name": "demo", "host": "", "platform": ""})
        write_json_atomic(fresh / "status.json", status | {"host": "", "pid": 0})
        write_card(fresh, run_dir)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(fresh, target)


if __name__ == "__main__":
    prepare_environment(1)
    make_demo(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "assets" / "demo")
