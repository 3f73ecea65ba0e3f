"""What can be named: runs in every state with what they kept, the sizes that are missing, and steps to and fro."""

import json
from pathlib import Path

import pytest

from core.errors import LabError, ModelSpecError, TokenizerError
from core.folders import cache_dir, runs_dir
from core.shelf import describe, list_models, model_names, move, nearest_model
from core.tokenizers import check_tokenizer, no_such_tokenizer
from core.training.rundir import RunWriter
from core.weights.locate import locate

META = {"config": {"model": {"n_layers": 4, "n_heads": 4, "emb_dim": 128}}, "parameters": 809_856, "tokenizer": "char"}


def a_run(name: str, *, state: str = "finished", snapshots=(), checkpoints=(), best: int | None = None) -> Path:
    path = runs_dir() / name
    RunWriter.create(path, META).close(state)
    for step in snapshots:
        (path / "snapshots").mkdir(exist_ok=True)
        (path / "snapshots" / f"step-{step:06}.safetensors").write_bytes(b"")
    for step in checkpoints:
        folder = path / "checkpoints" / f"step-{step:06}"
        folder.mkdir(parents=True)
        (folder / "state.json").write_text(json.dumps({"state": {}}))
    if best is not None:
        (path / "checkpoints" / "best").write_text(f"step-{best:06}\n")
    return path


def test_runs_with_what_they_kept_and_sizes_that_are_missing():
    a_run("shakes", snapshots=(100, 300), checkpoints=(200, 300), best=200)
    a_run("young", state="failed")
    refs = {ref.spec: ref for ref in list_models()}
    shakes = refs["shakes"]
    assert (shakes.steps, shakes.shape, shakes.parameters) == ((100, 200, 300), "4L 4H 128", 809_856)
    assert (shakes.kind, shakes.here, shakes.tokenizer) == ("finished", True, "char")
    assert (refs["young"].here, refs["young"].kind) == (False, "failed")
    assert (refs["gpt2"].here, refs["gpt2"].size) == (False, 497_759_232)
    assert [s for s in refs if s.startswith("gpt2")] == ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"]


def test_a_name_alone_is_the_best_step_as_for_load_model():
    a_run("shakes", snapshots=(100,), checkpoints=(200, 300), best=200)
    assert describe("shakes").label == "shakes@200"
    assert describe("shakes@latest").label == "shakes@300"
    assert describe("shakes@100").spec == "shakes@100"


def test_a_name_that_means_nothing_is_described_not_raised():
    assert describe("nowhere").kind == "unknown"
    assert describe("").kind == "unknown"
    assert not describe("/no/such/folder").here


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dmeo", "demo"),
        ("shaks", "shakes"),
        ("gtp2", "gpt2"),
        ("GPT-2 medium", "gpt2-medium"),
        ("openai:125M", "openai:124M"),
        ("demo@besst", "demo@best"),
        ("shaks@100", "shakes@100"),
    ],
)
def test_a_mistyped_name_is_answered_by_the_nearest(typed, meant):
    a_run("shakes", snapshots=(100,))
    assert nearest_model(typed) == f" (did you mean {meant}?)"
    with pytest.raises(LabError) as caught:
        locate(typed)
    assert f"(did you mean {meant}?)" in caught.value.title
    assert nearest_model("nothing-like-it") == ""
    assert nearest_model("dxxx@300") == nearest_model("gpt9@best") == ""  # the step alone is no likeness


def test_a_tokenizer_may_be_a_trained_one_or_a_models():
    (cache_dir() / "tokenizers" / "docs-1000").mkdir(parents=True)
    with pytest.raises(TokenizerError, match=r"did you mean bpe:docs-1000\?"):
        check_tokenizer("bp:docs-1000")
    assert "(did you mean demo?)" in no_such_tokenizer("dmeo", model_names()).title


def test_a_damaged_run_is_listed_and_does_no_harm():
    path = a_run("broken", snapshots=(5,))
    (path / "run.json").write_text("{")
    ref = next(ref for ref in list_models() if ref.spec == "broken")
    assert (ref.kind, ref.note, ref.here) == ("failed", "unreadable", False)
    assert describe("broken").kind in ("failed", "unknown")


@pytest.mark.parametrize(
    ("spec", "by", "found"),
    [
        ("shakes@200", 1, "shakes@300"),
        ("shakes@200", -1, "shakes@100"),
        ("shakes@300", 1, "shakes@300"),
        ("shakes@100", -1, "shakes@100"),
        ("shakes", 1, "shakes@300"),
        ("shakes@150", 1, "shakes@200"),
        ("shakes@100", 2, "shakes@300"),
        ("shakes@best", -1, "shakes@100"),
    ],
)
def test_to_and_fro(spec, by, found):
    a_run("shakes", snapshots=(100,), checkpoints=(200, 300), best=200)
    assert move(spec, by) == found


def test_a_run_elsewhere_keeps_its_path(tmp_path):
    path = a_run("shakes", snapshots=(100, 200))
    there = tmp_path / "else@where"
    path.rename(there)
    assert move(f"{there}@200", -1) == f"{there}@100"
    assert describe(str(there)).label == "else@where@200"


def test_no_steps_and_no_run_say_so():
    a_run("young")
    with pytest.raises(ModelSpecError, match="kept no weights"):
        move("young", 1)
    with pytest.raises(ModelSpecError, match="not a model of a run"):
        move("gpt2", 1)
