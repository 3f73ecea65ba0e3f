"""nanoGPT's printed lines as a run; the lines are made as its train.py, model.py and configurator.py make them."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RunError
from core.training.foreign.facts import Facts
from core.training.foreign.nanogpt import LogTail, looks_like
from core.training.foreign.recognise import open_foreign

sys.path.insert(0, str(Path(__file__).parent))  # tests/ has no packages
from tensorboard_writers import column

HEAD = """Overriding config with config/train_shakespeare_char.py:
# train a miniature character-level shakespeare model
out_dir = 'out-shakespeare-char'
eval_interval = 250 # keep frequent because we'll overfit
dataset = 'shakespeare_char'
batch_size = 64
block_size = 256 # context of up to 256 previous characters
n_layer = 6
n_head = 6
n_embd = 384
learning_rate = 1e-3 # with baby networks can afford to go a bit higher
max_iters = 5000
gradient_accumulation_steps = 5 * 8

Overriding: max_iters = 500
tokens per iteration will be: 16,384
found vocab_size = 65 (inside data/shakespeare_char/meta.pkl)
Initializing a new model from scratch
number of parameters: 10.65M
num decayed parameter tensors: 26, with 10,740,096 parameters
using fused AdamW: True
"""


def iteration(n: int, loss: float, seconds: float = 0.02, mfu: float = -1.0) -> str:
    return f"iter {n}: loss {loss:.4f}, time {seconds * 1000:.2f}ms, mfu {mfu * 100:.2f}%\n"


def evaluation(n: int, train: float, val: float) -> str:
    return f"step {n}: train loss {train:.4f}, val loss {val:.4f}\n"


def lines(first: int, last: int) -> str:
    out = ""
    for n in range(first, last + 1, 10):
        if n % 250 == 0:
            out += evaluation(n, 4 - n / 250, 4.1 - n / 250) + "saving checkpoint to out-shakespeare-char\n"
        out += iteration(n, 4 - n / 1000, mfu=0.125 if n >= 50 else -1.0)
    return out


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "train.log"
    path.write_text(HEAD + lines(0, 300))
    return path


def test_the_lines_become_steps_and_evaluations(log):
    run = open_foreign(log)
    assert column(run, "step", "loss") == [(n, pytest.approx(4 - n / 1000)) for n in range(0, 301, 10)]
    assert column(run, "eval", "val_loss") == [(0, 4.1), (250, 3.1)]
    assert column(run, "eval", "train_loss") == [(0, 4.0), (250, 3.0)]
    steps = list(run.events("step"))
    assert {e.mfu for e in steps} == {None, 0.125}
    assert steps[-1].tokens == 300 * 16_384
    assert steps[-1].tokens_per_second == pytest.approx(16_384 / 0.02)
    assert steps[-1].time == pytest.approx(301 * 0.02)


def test_what_it_says_of_itself_is_known(log):
    run = open_foreign(log)
    meta = run.meta
    assert (run.format, run.max_steps, run.state, meta["parameters"]) == ("nanoGPT", 500, "running", 10_650_000)
    assert meta["config"] == {
        "batch_size": 64, "context_length": 256, "n_layers": 6, "n_heads": 6, "emb_dim": 384, "learning_rate": 1e-3,
        "max_steps": 500, "corpus": "shakespeare_char",
    }  # fmt: skip


def test_a_log_that_grows_is_followed_to_its_end(log):
    run = open_foreign(log)
    history = run.history()
    history.update()
    with log.open("a") as file:
        file.write(lines(310, 490) + iteration(500, 3.5)[:-5])
    history.update()
    assert (history.last_step, run.state) == (490, "running")
    with log.open("a") as file:
        file.write("0.00%\n")
    history.update()
    assert (history.last_step, run.state) == (500, "finished")
    assert len(history.steps) == 51


def test_a_finished_log_is_known_as_finished_before_it_is_read(log):
    log.write_text(HEAD + lines(0, 500))
    assert open_foreign(log).state == "finished"


def test_a_run_that_was_resumed_into_the_same_log_has_no_step_twice(log):
    with log.open("a") as file:
        file.write(HEAD + "Resuming training from out-shakespeare-char\n" + lines(250, 280))
    run = open_foreign(log)
    history = run.history()
    history.update()
    assert [int(s) for s in history.steps] == list(range(0, 281, 10))
    assert [int(s) for s in history.evals.step] == [0, 250]
    assert [e.from_step for e in history.resumes] == [249]


def test_a_loss_that_is_not_finite_is_a_gap(log):
    with log.open("a") as file:
        file.write(iteration(310, math.nan) + iteration(320, math.inf) + iteration(330, 2.0))
    history = open_foreign(log).history()
    history.update()
    assert [math.isfinite(v) for v in history.loss[-3:]] == [False, False, True]


def test_an_evaluation_does_not_count_for_the_steps_around_it(tmp_path):
    path = tmp_path / "train.log"
    path.write_text(iteration(0, 4.0, 30.0) + iteration(10, 4.0) + iteration(20, 4.0, 30.0) + iteration(30, 4.0))
    times = [e.time for e in open_foreign(path).events("step")]
    assert times == pytest.approx([30.0, 30.2, 60.38, 60.58])


def test_the_one_log_of_a_folder_is_found_and_of_several_one_must_be_named(log):
    (log.parent / "notes.txt").write_text("nothing of the kind")
    (log.parent / "ckpt.pt").write_bytes(b"\x80")
    assert open_foreign(log.parent).path == log
    (log.parent / "second.log").write_text(lines(0, 10))
    with pytest.raises(RunError, match=r"holds 2 runs, and one was expected: second\.log, train\.log"):
        open_foreign(log.parent)


def test_binary_lines_between_are_passed_over(log):
    with log.open("ab") as file:
        file.write(b"\x00\xff\x1b[2J\n" + b"x" * 100_000 + b"\n" + iteration(310, 1.5).encode())
    history = open_foreign(log).history()
    history.update()
    assert (history.last_step, history.last("loss")) == (310, 1.5)


@pytest.mark.parametrize(
    "line",
    [
        "iter 99999999999999999999: loss 1.0, time 1.00ms, mfu 1.00%",
        "iter 5: loss 1e999, time 1e999ms, mfu 1e999%",
        "iter 5: loss -, time ms, mfu %",
        "max_iters = 1e999",
        "max_iters = nan",
        "tokens per iteration will be: ,,,",
        "number of parameters: 1.2.3M",
    ],
)
def test_numbers_that_are_none_do_no_harm(line):
    tail = LogTail(Path("nowhere"), Facts())
    for row in [*tail.take(line.encode()), *tail.take(iteration(7, 1.0).encode())]:
        assert row["loss"] is None or math.isfinite(row["loss"])


@given(st.text() | st.from_regex(r"(iter|step) \d+: (train )?loss [-\d.einaf]+, (time|val loss) [-\d.e]+(ms)?.*"))
def test_any_line_is_read_without_an_error(text):
    tail = LogTail(Path("nowhere"), Facts())
    data = text.encode("utf-8", "replace")
    looks_like(data)
    assert all(isinstance(row["step"], int) for row in tail.take(data))
