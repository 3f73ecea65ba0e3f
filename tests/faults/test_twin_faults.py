"""The twin where TensorFlow is missing, old, broken or dies; and how quiet it is where it is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError, LabError, MissingExtraError, ModelSpecError
from core.keras_twin.compare import TwinProgress, TwinReport, twin_diff, twin_steps

MISSING = "raise ModuleNotFoundError(\"No module named 'tensorflow'\", name='tensorflow')"
OLD = "__version__ = '2.15.1'"
BROKEN = "raise AttributeError('_ARRAY_API not found')"
DYING = "import os, sys; sys.stderr.write('no such instruction\\n'); os._exit(132)"
HANGING = "import threading; threading.Event().wait()"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a package of our own in TensorFlow's place, for the processes that a test starts."""

    def put(code: str) -> None:
        package = tmp_path / "stand-in" / "tensorflow"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(package.parent))

    return put


def lab(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def small_run(tmp_path: Path, *more: str) -> tuple[str, ...]:
    """A run of a few steps on a text of its own."""
    text = tmp_path / "text.txt"
    text.write_text("the quick brown fox jumps over the lazy dog.\n" * 60)
    shape = ("--context-length", "8", "--emb-dim", "16", "--n-heads", "2", "--n-layers", "1", "--batch-size", "2")
    quick = ("--max-steps", "3", "--eval-interval", "0", "--sample-interval", "0", "--snapshot-count", "0")
    return ("train", "--corpus", str(text), *shape, *quick, "--threads", "1", *more)


@pytest.mark.parametrize(
    ("code", "title", "hint"),
    [
        (MISSING, "tensorflow is not installed", "pip install 'llm-lab[tensorflow]'"),
        (OLD, "TensorFlow 2.21 or newer, 2.15.1 is installed", "pip install 'llm-lab[tensorflow]' --upgrade"),
    ],
)
def test_missing_or_old(stand_in: Any, code: str, title: str, hint: str) -> None:
    stand_in(code)
    with pytest.raises(MissingExtraError) as caught:
        twin_diff("demo", "The for")
    assert title in caught.value.title and caught.value.hint == hint


def test_broken(stand_in: Any) -> None:
    stand_in(BROKEN)
    with pytest.raises(LabError) as caught:
        twin_diff("demo", "The for")
    assert "tensorflow is installed and cannot be loaded: _ARRAY_API not found" in caught.value.title


def test_a_child_that_dies_is_said(stand_in: Any) -> None:
    stand_in(DYING)
    with pytest.raises(LabError, match="ended before its time: no such instruction"):
        twin_diff("demo", "The for")


def test_a_cancelled_comparison_ends_at_once(stand_in: Any) -> None:
    stand_in(HANGING)
    cancelled = threading.Event()
    steps = twin_steps("demo", "The for", cancelled=cancelled)
    assert next(steps) == TwinProgress("loading", 0, 1)
    cancelled.set()
    assert list(steps) == []


@pytest.mark.parametrize(
    ("spec", "text", "threshold", "kind", "words"),
    [
        ("demo", "", 1e-4, InputError, "a text was expected"),
        ("demo", "word " * 500, 1e-4, InputError, "tokens, 1 to"),
        ("demo", "x", float("nan"), InputError, "threshold must be 0 or more"),
        ("demo", "x", -1.0, InputError, "threshold must be 0 or more"),
        ("no-such-model", "x", 1e-4, ModelSpecError, "no model is called no-such-model"),
    ],
)
def test_what_cannot_be_compared(stand_in: Any, spec: str, text: str, threshold: float, kind: Any, words: str) -> None:
    stand_in(MISSING)  # it is said before TensorFlow is looked for
    with pytest.raises(kind) as caught:
        twin_diff(spec, text, threshold=threshold)
    assert words in caught.value.title and caught.value.hint


def test_without_the_extra_training_says_so_and_all_else_works(stand_in: Any, tmp_path: Path) -> None:
    stand_in(MISSING)
    refused = lab(*small_run(tmp_path, "--backend", "tensorflow", "--name", "twin"))
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr.splitlines() == [
        "the twin is computed with TensorFlow, and tensorflow is not installed",
        "pip install 'llm-lab[tensorflow]'",
    ]
    assert not (Path(os.environ["LLM_LAB_RUNS"]) / "twin").exists()
    assert lab(*small_run(tmp_path, "--name", "torch")).returncode == 0
    said = json.loads(lab("twin", "demo", "x", "--json").stdout)
    assert said["error"]["hint"] == "pip install 'llm-lab[tensorflow]'"


def test_no_chatter_reaches_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that TensorFlow says of its own stands in the run's log, and nothing else is heard."""
    done = lab(*small_run(tmp_path, "--backend", "tensorflow", "--name", "twin"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("finished twin: 3 of 3 steps") and done.stdout.count("\n") == 1
    log = Path(os.environ["LLM_LAB_RUNS"]) / "twin" / "trainer.log"
    before = len(log.read_bytes())
    monkeypatch.setenv("LLM_LAB_XLA", "0")
    again = lab("train", "--resume", "twin", "--max-steps", "5", "--json")
    assert again.returncode == 0 and again.stderr == ""
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert [e["step"] for e in events if e["kind"] == "step"] == [4, 5]
    warned = next(e for e in events if e["kind"] == "warning")
    assert "sums was xla, now graph" in warned["title"]  # so said, since other orders of sums round otherwise
    assert len(log.read_bytes()) >= before


def test_a_note_of_ours_is_still_heard_beside_the_chatter(tmp_path: Path) -> None:
    from core.keras_twin.loading import Chatter

    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from core.keras_twin.loading import Chatter\n"
        f"chatter = Chatter(Path({str(tmp_path / 'a' / 'log')!r}))\n"
        "chatter.begin()\n"
        "os.write(2, b'from C\\n')\n"
        "print('from us', file=sys.stderr)\n"
        "chatter.end()\n"
        "chatter.end()\n"
        "os.write(2, b'after\\n')\n"
        "print('after too', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines() == ["from us", "after", "after too"]
    assert (tmp_path / "a" / "log").read_text() == "from C\n"
    assert Chatter().end() is None


@pytest.fixture(scope="module")
def compared() -> tuple[list[dict[str, Any]], list[str]]:
    """What the comparison of the demo says in a fresh interpreter, and which frameworks that has loaded then."""
    code = (
        "import sys, json, core\n"
        "from core.keras_twin.compare import twin_steps\n"
        "said = [s.to_dict() for s in twin_steps('demo', 'The for statement is used to', threshold=1e-6)]\n"
        "print(json.dumps([said, [m for m in ('tensorflow', 'keras', 'torch') if m in sys.modules]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said, loaded = json.loads(done.stdout)
    return said, loaded


def test_the_process_that_asks_never_loads_tensorflow(compared: tuple[list[dict[str, Any]], list[str]]) -> None:
    said, loaded = compared
    assert said[-1]["tensors"] > 0 and loaded == []


def test_the_demo_and_its_twin(compared: tuple[list[dict[str, Any]], list[str]]) -> None:
    *progress, last = compared[0]
    report = TwinReport.from_dict(last)
    names = [stage.name for stage in report.stages]
    assert [step["phase"] for step in progress] == ["loading", "weights", *names]
    layers = (len(names) - 3) // 2
    inner = [f"h.{n}.{part}" for n in range(layers) for part in ("attn", "mlp")]
    assert names == ["embeddings", *inner, "ln_f", "logits"]
    assert report.identical == report.tensors and report.agreeing == len(report.tokens)
    assert 0 < report.worst.max_abs < 1e-4 and report.stages[0].max_abs == 0
    assert report.first_beyond is not None and report.first_beyond.max_abs > 1e-6
    before = names.index(report.first_beyond.name)
    assert all(stage.max_abs <= 1e-6 for stage in report.stages[:before])
    assert report.loss_torch is not None and report.loss_keras is not None
    assert abs(report.loss_torch - report.loss_keras) < 1e-4
    for stage in report.stages:
        assert stage.torch_seconds > 0 and stage.keras_seconds > 0
        assert abs(stage.max_relative - stage.max_abs / stage.largest) < 1e-12
    assert TwinReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
