"""The Trainer's state as a run: what transformers itself writes, replaced files, checkpoints, bad input."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RunError
from core.training.foreign.facts import Facts
from core.training.foreign.huggingface import STATE, StateTail, read_state
from core.training.foreign.recognise import open_foreign
from core.training.foreign.tags import meaning

sys.path.insert(0, str(Path(__file__).parent))  # tests/ has no packages
from tensorboard_writers import column


def entry(step: int) -> dict[str, Any]:
    return {"loss": 5.0 - step / 1000, "grad_norm": 1.5, "learning_rate": 1e-4, "epoch": step / 500, "step": step}


def evaluation(step: int) -> dict[str, Any]:
    return {"eval_loss": 5.1 - step / 1000, "eval_runtime": 3.2, "eval_samples_per_second": 9.0, "step": step}


def history_to(last: int) -> list[dict[str, Any]]:
    log: list[dict[str, Any]] = []
    for step in range(10, last + 1, 10):
        log += [entry(step)] + ([evaluation(step)] if step % 100 == 0 else [])
    return log


def save(path: Path, last: int, log: list[Any] | None = None, **state: Any) -> Path:
    """A state as transformers writes it."""
    from transformers.trainer_callback import TrainerState

    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"global_step": last, "max_steps": 1000, "train_batch_size": 8, **state}
    TrainerState(log_history=history_to(last) if log is None else log, **values).save_to_json(str(path))
    return path


def test_a_state_is_read_as_transformers_wrote_it(tmp_path):
    run = open_foreign(save(tmp_path / STATE, 500))
    assert column(run, "step", "loss") == [(s, 5.0 - s / 1000) for s in range(10, 501, 10)]
    assert column(run, "step", "lr") == [(s, 1e-4) for s in range(10, 501, 10)]
    assert column(run, "step", "grad_norm") == [(s, 1.5) for s in range(10, 501, 10)]
    assert column(run, "eval", "val_loss") == [(s, 5.1 - s / 1000) for s in range(100, 501, 100)]
    assert (run.format, run.max_steps, run.meta["config"]["batch_size"]) == ("Hugging Face Trainer", 1000, 8)
    assert run.facts.others == {"eval_runtime", "eval_samples_per_second"}
    assert run.facts.shown == {
        "loss": "loss", "lr": "learning_rate", "grad_norm": "grad_norm", "val_loss": "eval_loss",
    }  # fmt: skip


def test_a_state_that_is_replaced_again_and_again_is_followed(tmp_path):
    path = save(tmp_path / STATE, 100)
    history = open_foreign(path).history()
    for last in (100, 250, 900):
        save(path, last)
        history.update()
        assert history.last_step == last
        assert len(history.steps) == last // 10
    version = history.version
    history.update()
    assert history.version == version


def test_the_newest_checkpoint_is_followed_and_the_final_state_after_it(tmp_path):
    save(tmp_path / "checkpoint-100" / STATE, 100)
    run = open_foreign(tmp_path)
    history = run.history()
    history.update()
    assert history.last_step == 100
    save(tmp_path / "checkpoint-900" / STATE, 900)
    (tmp_path / "checkpoint-1000").mkdir()  # its state is written last
    history.update()
    assert (history.last_step, len(history.steps), run.facts.finished) == (900, 90, False)
    summary = {"train_runtime": 99.0, "train_loss": 4.5, "total_flos": 1e9, "step": 1000, "epoch": 2.0}
    save(tmp_path / STATE, 1000, [*history_to(1000), summary])
    history.update()
    assert (history.last_step, len(history.steps)) == (1000, 100)
    assert run.state == "finished"
    assert "train_loss" not in run.facts.shown


def test_a_run_that_went_back_to_an_earlier_checkpoint_is_read_anew(tmp_path):
    path = save(tmp_path / STATE, 500)
    history = open_foreign(path).history()
    history.update()
    save(path, 210, [*history_to(200), {**entry(210), "loss": 9.0}])
    history.update()
    assert (history.last_step, len(history.steps), history.last("loss")) == (210, 21, 9.0)


def test_a_state_that_is_half_written_waits_and_keeps_what_was_read(tmp_path):
    path = save(tmp_path / STATE, 300)
    history = open_foreign(path).history()
    history.update()
    whole = save(tmp_path / "other" / STATE, 400).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    history.update()
    assert history.last_step == 300
    path.write_bytes(whole)
    history.update()
    assert history.last_step == 400


def test_a_loss_that_is_no_number_is_a_gap(tmp_path):
    log = [entry(10), {**entry(20), "loss": math.nan}, {**entry(30), "grad_norm": math.inf}]
    path = save(tmp_path / STATE, 30, log)
    assert "NaN" in path.read_text()
    run = open_foreign(path)
    assert [s for s, _ in column(run, "step", "loss")] == [10, 30]
    assert [e.step for e in run.events("step")] == [10, 20, 30]
    history = run.history()
    history.update()
    save(path, 40, [*log, entry(40)])
    history.update()
    assert [int(s) for s in history.steps] == [10, 20, 30, 40]  # NaN is the same NaN when it is read again


def test_tokens_are_taken_where_the_trainer_counts_them(tmp_path):
    log = [{**entry(10), "num_input_tokens_seen": 5000, "train_tokens_per_second": 250.0}]
    run = open_foreign(save(tmp_path / STATE, 10, log))
    assert [(e.tokens, e.tokens_per_second) for e in run.events("step")] == [(5000, 250.0)]


def test_what_the_trainer_says_to_tensorboard_has_a_meaning():
    from transformers.integrations.integration_utils import rewrite_logs

    said = rewrite_logs({**entry(1), **evaluation(1), "train_loss": 1.0})
    found = {tag: meaning(tag)[1] for tag in said if meaning(tag) is not None}
    assert found == {
        "train/loss": "loss", "train/grad_norm": "grad_norm", "train/learning_rate": "lr", "eval/loss": "val_loss",
    }  # fmt: skip


def test_entries_that_are_none_are_counted(tmp_path):
    path = tmp_path / STATE
    log = [None, 3, [], {"loss": 1.0}, {"step": "x"}, {"step": 1e400}, {**entry(10), "loss": "high"}, entry(20)]
    path.write_text(json.dumps({"global_step": 20, "max_steps": -5, "log_history": log}))
    history = open_foreign(path).history()
    history.update()
    assert [int(s) for s in history.steps] == [20]
    assert history.unreadable == 6


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"3", b'{"log_history": {}}', b"[" * 200_000, b"\xff\xfe\x00", b'{"log_history": null}', b"nan"],
)
def test_what_is_no_state_is_refused_in_two_lines(tmp_path, text):
    path = tmp_path / STATE
    path.write_bytes(text)
    assert read_state(path) is None
    with pytest.raises(RunError, match="JSON with a list log_history was expected"):
        open_foreign(path)


def test_numbers_of_any_size_do_no_harm(tmp_path):
    path = tmp_path / STATE
    giant = 10**400
    log = [{"loss": giant, "step": 1}, {"loss": 1.0, "step": giant}, {"loss": 2.0, "step": 3}]
    counts = dict.fromkeys(("global_step", "max_steps", "train_batch_size"), giant)
    path.write_text(json.dumps({**counts, "log_history": log}))
    run = open_foreign(path)
    list(run.events())
    assert run.max_steps == 0
    assert run.state in ("running", "quiet")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["loss", "step", "lr", "x"]), inner),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=6), json_values)
def test_any_log_is_read_without_an_error(tmp_path_factory, log, other):
    path = tmp_path_factory.mktemp("any") / STATE
    path.write_text(json.dumps({"log_history": log, "global_step": other, "max_steps": other}))
    rows, _ = StateTail(path, Facts()).objects()
    assert all(isinstance(r["step"], int) for r in rows)


def test_the_newest_state_says_when_something_changed(tmp_path):
    path = save(tmp_path / "checkpoint-100" / STATE, 100)
    os.utime(path, (1000.0, 1000.0))
    run = open_foreign(tmp_path)
    assert run.state == "quiet"
    assert "its state is written with each checkpoint alone" in run.status().message
