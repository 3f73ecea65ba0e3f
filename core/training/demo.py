"""Trains the demo run that ships in ``assets/demo``: ``make assets``.

An ordinary run of our own trainer on the Python manual that comes with Python, by character. What ships of it is what
a screen needs: the metrics, six 16-bit snapshots, the tokenizer. The checkpoints (weights and optimizer in 32 bits)
stay behind. The text differs between Python releases, so run.json records its SHA-256.
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


def demo_config() -> TrainConfig:
    """What the demo is: 4 layers, 4 heads, width 128, context 128."""
    return replace(
        TRAIN_PRESETS["shakespeare-1min"].config,
        corpus="python-docs",
        model=GPTConfig(None, 128, 128, 4, 4, init_std=0.05),
        max_steps=1000,
        eval_interval=100,
        sample_interval=100,
        checkpoint_interval=0,
        snapshot_count=6,
        sample_prompt="The ",
        threads=2,
    )


def make_demo(target: Path) -> None:
    """Trains the demo and puts what ships of it into ``target``, in place of what was there."""
    from core.training.trainer import Trainer

    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "demo"
        for event in Trainer(replace(demo_config(), run_dir=str(run_dir))).run():
            if event.kind in ("eval", "sample", "end"):
                sys.stderr.write(f"{event.to_dict()}\n")
        fresh = Path(folder) / "ships"
        fresh.mkdir()
        for name in KEPT:
            source = run_dir / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, fresh / name)
        meta, status = read_json(run_dir / "run.json") or {}, read_json(run_dir / "status.json") or {}
        # Whose machine it was is nobody's business, and its processes mean nothing elsewhere.
        write_json_atomic(fresh / "run.json", meta | {"host": "", "platform": ""})
        write_json_atomic(fresh / "status.json", status | {"host": "", "pid": 0})
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(fresh, target)


if __name__ == "__main__":
    prepare_environment(2)
    make_demo(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "assets" / "demo")
