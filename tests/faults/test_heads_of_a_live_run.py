"""The heads of a run are looked at while a trainer, in a process of its own, writes and prunes its checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch

from core.config import TrainConfig
from core.model.through_time import StepProfiles, head_history
from core.shelf import kept_steps
from core.training.launch import start_run
from core.training.runs import open_run


def test_a_run_that_writes_checkpoints_is_looked_at_to_its_end(isolated: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The quick brown fox jumps over the lazy dog.\n" * 200)
    config = TrainConfig().override(
        corpus=str(text), tokenizer="char", n_layers=1, n_heads=2, emb_dim=8, context_length=8, batch_size=2,
        max_steps=120, eval_interval=0, sample_interval=0, checkpoint_interval=2, keep_checkpoints=1, snapshot_count=4,
        device="cpu", dtype="float32", threads=1,
    )  # fmt: skip
    launched = start_run(config, name="live")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        events = list(head_history("live", [1, 2, 1, 2], follow=True, texts=1, device="cpu"))
    finally:
        torch.set_num_threads(before)
        launched.process.kill()  # what a failed test would leave running
    run = open_run(launched.path)
    assert run.state == "finished"
    assert all(isinstance(event, StepProfiles) for event in events), "what is pruned is left out, nothing is damaged"
    told = [event.step for event in events]
    assert len(set(told)) == len(told) and set(kept_steps(run)) <= set(told) and max(told) == 120
    assert all(isinstance(e, StepProfiles) and e.text is not None and e.text.entropy.isfinite().all() for e in events)
