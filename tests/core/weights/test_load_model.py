"""``core.load_model``: it opens what the chip says, and says in two lines what it cannot open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from core.config import GPTConfig, TrainConfig
from core.errors import ConfigError, LabError, ModelSpecError
from core.folders import runs_dir
from core.shelf import describe, kept_steps, resolve_step
from core.training.runs import open_run
from core.training.trainer import Trainer
from core.weights.checkpoint import load_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 steps that was killed after its snapshot at 20: the last checkpoints are those at 8 and 16."""
    folder = tmp_path_factory.mktemp("trained")
    text = folder / "text.txt"
    text.write_text("The quick brown fox jumps over the lazy dog.\n" * 50)
    config = TrainConfig(
        model=GPTConfig(None, 8, 8, 1, 1),
        corpus=str(text),
        batch_size=2,
        max_steps=20,
        eval_interval=0,
        sample_interval=0,
        checkpoint_interval=8,
        keep_checkpoints=3,
        snapshot_count=5,
        device="cpu",
        dtype="float32",
        threads=1,
        run_dir=str(folder / "killed"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLM_LAB_CACHE", str(folder / "cache"))
        for _ in Trainer(config).run():
            pass
    checkpoints = folder / "killed" / "checkpoints"
    shutil.rmtree(checkpoints / "step-000020")
    (checkpoints / "latest").write_text("step-000016\n")
    (checkpoints / "best").unlink(missing_ok=True)
    assert [c.step for c in open_run(folder / "killed").checkpoints] == [8, 16]
    assert max(kept_steps(open_run(folder / "killed"))) == 20
    return folder / "killed"


@pytest.fixture
def run(trained: Path) -> Path:
    return Path(shutil.copytree(trained, runs_dir() / "shakes"))


def mark(run: Path, best: int | None) -> None:
    if best is not None:
        (run / "checkpoints" / "best").write_text(f"step-{best:06d}\n")


@pytest.mark.parametrize(
    ("word", "best", "step"),
    [
        ("", None, 16),
        ("", 8, 8),
        ("@latest", 8, 16),
        ("@best", 8, 8),
        ("@8", None, 8),
        ("@20", None, 20),  # a snapshot
        ("@٨", None, 8),  # eight, as it is written elsewhere
    ],
)
def test_the_chip_says_what_is_loaded(run: Path, word: str, best: int | None, step: int) -> None:
    mark(run, best)
    loaded = load_model(f"shakes{word}", device="cpu")
    assert loaded.step == step
    assert f"{step:06d}" in str(loaded.source)
    assert describe(f"shakes{word}").label == f"shakes@{step}"


@pytest.mark.parametrize("word", ["", "@latest", "@best"])
def test_a_run_without_checkpoints_is_its_last_snapshot(run: Path, word: str) -> None:
    shutil.rmtree(run / "checkpoints")
    assert load_model(f"shakes{word}", device="cpu").step == 20
    assert describe(f"shakes{word}").label == "shakes@20"


def test_a_path_with_an_at_sign(run: Path, tmp_path: Path) -> None:
    there = run.rename(tmp_path / "me@home")
    for word, step in (("", 16), ("@8", 8), ("@latest", 16)):
        assert load_model(f"{there}{word}", device="cpu").step == step
        assert describe(f"{there}{word}").label == f"me@home@{step}"


@pytest.mark.parametrize("spec", ["shakes@²", "shakes@", "shakes@lastest", "shakes@-8", "nobody", "", "@", "@best"])
def test_a_name_that_means_nothing(run: Path, spec: str) -> None:
    with pytest.raises(ModelSpecError, match="NAME@latest of a run was expected") as caught:
        load_model(spec, device="cpu")
    assert caught.value.hint
    assert describe(spec).kind == "unknown"


def test_a_step_that_was_not_kept(run: Path) -> None:
    with pytest.raises(ModelSpecError, match="has nothing at 11") as caught:
        load_model("shakes@11", device="cpu")
    assert caught.value.hint == "there are steps " + ", ".join(map(str, kept_steps(open_run(run))))
    with pytest.raises(ModelSpecError, match="has nothing at best"):
        load_model("shakes@best", device="cpu")
    assert resolve_step(open_run(run), "best") is None
    for name in ("checkpoints", "snapshots"):
        shutil.rmtree(run / name)
    with pytest.raises(ModelSpecError, match="has kept no weights yet"):
        load_model("shakes", device="cpu")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"device": "gpu"}, "gpu"),
        ({"device": "cuda:99"}, "cuda:99"),
        (
            {"dtype": "fp16"},
            "dtype must be one of auto, float32, bfloat16, float16, got 'fp16' (did you mean float16?)",
        ),
        ({"dtype": "float23"}, "(did you mean float32?)"),
        ({"dtype": "Tensor"}, "got 'Tensor'"),
    ],
)
def test_a_device_or_precision_that_there_is_not(run: Path, how: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_model("shakes", **{"device": "cpu", **how})  # type: ignore[arg-type]
    assert said in caught.value.title
    assert caught.value.hint


def test_precisions(run: Path) -> None:
    for dtype in ("auto", "float32", "bfloat16", "float16"):
        model = load_model("shakes@20", device="cpu", dtype=dtype).model  # type: ignore[arg-type]
        assert model.wte.weight.dtype == (torch.float32 if dtype == "auto" else getattr(torch, dtype))


def test_a_damaged_snapshot_is_refused(run: Path) -> None:
    (run / "snapshots" / "step-000020.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(LabError, match=r"step-000020\.safetensors is no safetensors file"):
        load_model("shakes@20", device="cpu")
