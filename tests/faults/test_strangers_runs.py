"""Run directories of a stranger: nothing is executed, nothing is written outside, all else ends in two lines."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from fuzz_targets import tensor_bytes

from core.config import TrainConfig
from core.errors import CheckpointError, LabError, RunError
from core.files import read_json
from core.shelf import describe
from core.tokenizers import load_tokenizer
from core.training.launch import start_run
from core.training.rundir import META, METRICS, RunWriter
from core.training.runs import delete_run, list_runs, open_run
from core.training.stored import find_checkpoint
from core.training.trainer import Trainer
from core.training.watched import open_watched
from core.weights.checkpoint import load_model

links = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps; tests take a copy."""
    root = tmp_path_factory.mktemp("stranger")
    (root / "text.txt").write_text("The quick brown fox jumps over the lazy dog.\n" * 100)
    config = TrainConfig().override(
        corpus=str(root / "text.txt"), tokenizer="char", n_layers=1, n_heads=1, emb_dim=8, context_length=8,
        batch_size=2, max_steps=4, eval_interval=2, sample_interval=0, checkpoint_interval=2, snapshot_count=2,
        keep_checkpoints=1, device="cpu", dtype="float32", threads=1, run_dir=str(root / "run"),
    )  # fmt: skip
    for _ in Trainer(config).run():
        pass
    return root / "run"


@pytest.fixture
def run(trained: Path, isolated: Path) -> Path:
    (isolated / "runs").mkdir()
    return Path(shutil.copytree(trained, isolated / "runs" / "run"))


def go_on(run: Path) -> None:
    for _ in Trainer.resumed(run, max_steps=8).run():
        pass


def state_of(folder: Path) -> dict[str, Any]:
    """Every file below a folder with its content, and every link."""
    return {
        str(p.relative_to(folder)): str(p.readlink()) if p.is_symlink() else p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
    }


def two_lines(error: LabError) -> None:
    assert error.title and error.hint and "\n" not in error.title + error.hint


# Links that lead out


@links
@pytest.mark.parametrize(
    "name",
    ["metrics.jsonl", "control.jsonl", "lock", "trainer.log", "launch.json", "checkpoints", "snapshots", "set-aside"],
)
def test_a_link_that_leads_out_is_not_written_through(run: Path, tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "mine"
    theirs.mkdir()
    if (run / name).is_dir() or (run / name).exists():
        shutil.move(run / name, theirs / name)
    elif name == "set-aside":
        (theirs / name).mkdir()
    else:
        (theirs / name).write_text("")
    (run / name).symlink_to(theirs / name)
    before = state_of(theirs)
    config = open_run(run).config.override(max_steps=8)
    ways: list[Callable[[], object]] = [
        lambda: go_on(run),
        lambda: RunWriter.reopen(run),
        lambda: start_run(config, resume=run),
    ]
    for way in ways:
        with pytest.raises(RunError, match=f"^{name} of the run run is a link that leads out of it") as caught:
            way()
        two_lines(caught.value)
    assert state_of(theirs) == before
    assert list_runs(run.parent)[0].name == "run", "it can be listed"
    assert open_run(run).config.max_steps == 4, "and read"


@links
def test_a_request_is_not_written_through_a_link_either(run: Path, tmp_path: Path) -> None:
    from core.training.requests import send_request

    (tmp_path / "profile").write_text("mine\n")
    (run / "control.jsonl").symlink_to(tmp_path / "profile")
    with pytest.raises(RunError, match=r"control\.jsonl of the run run is a link"):
        send_request(run, "stop")
    assert (tmp_path / "profile").read_text() == "mine\n"


@links
def test_links_within_a_run_and_a_run_that_is_a_link_are_no_way_out(run: Path, tmp_path: Path) -> None:
    shutil.move(run, tmp_path / "elsewhere")
    run.symlink_to(tmp_path / "elsewhere")
    (run / "checkpoints").rename(run / "kept")
    (run / "checkpoints").symlink_to("kept")
    go_on(run)
    assert open_run(run).state == "finished"
    assert find_checkpoint(run).name == "step-000008"


@links
def test_checkpoints_that_are_links_lose_the_link_alone(run: Path, tmp_path: Path) -> None:
    for folder in list((run / "checkpoints").glob("step-*")):
        shutil.move(folder, tmp_path / folder.name)
        folder.symlink_to(tmp_path / folder.name)
    before = {name: content for name, content in state_of(tmp_path).items() if name.startswith("step-")}
    go_on(run)  # keeps one, so that the older are pruned
    after = {name: content for name, content in state_of(tmp_path).items() if name.startswith("step-")}
    assert after == before


@pytest.mark.parametrize("pointer", ["../../../elsewhere", "/etc", "step-000004/../../..", "\0", "x" * 5000])
def test_pointers_lead_nowhere(run: Path, tmp_path: Path, pointer: str) -> None:
    for name in ("latest", "best"):
        (run / "checkpoints" / name).write_text(pointer)
    assert find_checkpoint(run).name == "step-000004"
    with pytest.raises(RunError):
        find_checkpoint(run, "best")
    for asked in ("../..", "/etc", "step-000004"):
        with pytest.raises(RunError):
            find_checkpoint(run, asked)


def test_names_in_a_run_lead_nowhere(run: Path, tmp_path: Path) -> None:
    """What run.json and the events call a path, a name or a folder is a text."""
    meta = json.loads((run / META).read_text())
    meta["name"] = "../../outside"
    meta["config"]["run_dir"] = str(tmp_path / "outside")
    (run / META).write_text(json.dumps(meta))
    with (run / METRICS).open("a") as file:
        file.write('{"kind":"checkpoint","step":4,"time":1.0,"tokens":9,"path":"../../../outside"}\n')
    assert open_run(run).name == "run"
    go_on(run)
    gone = delete_run(open_run(run))
    assert gone.parent == run.parent / ".trash"
    assert not list(tmp_path.rglob("outside*"))


# Files that are none


@links
@pytest.mark.parametrize(
    "name",
    [META, METRICS, "status.json", "trainer.log", "control.jsonl", "launch.json", "checkpoints/latest",
     "checkpoints/step-000004/state.json", "checkpoints/step-000004/model.safetensors"],
)  # fmt: skip
@pytest.mark.parametrize("what", ["pipe", "endless"])
def test_a_pipe_is_not_waited_for_and_what_never_ends_not_read(run: Path, name: str, what: str) -> None:
    (run / name).unlink(missing_ok=True)
    if what == "pipe":
        os.mkfifo(run / name)
    else:
        (run / name).symlink_to("/dev/zero")
    assert len(list_runs(run.parent)) == 1
    for attempt in (
        lambda: open_run(run).config,
        lambda: list(open_run(run).events()),
        lambda: (open_run(run).state, open_run(run).log(), open_run(run).status(), open_run(run).checkpoints),
        lambda: open_run(run).history().update(),
        lambda: describe(str(run)),
        lambda: load_model(str(run), device="cpu"),
        lambda: RunWriter.reopen(run).close("stopped"),
    ):
        try:
            attempt()
        except LabError as error:
            two_lines(error)


# A checkpoint whose checksums are right


def resealed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes state.json and makes its checksum right again, as whoever wrote it can."""
    body = read_json(folder / "state.json")
    assert body is not None
    change(body)
    body.pop("check", None)
    body["check"] = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    (folder / "state.json").write_bytes(orjson.dumps(body))


def with_file(name: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)
        entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        resealed(folder, lambda body: body["files"].update({name: entry}))

    return change


def with_state(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: resealed(folder, lambda body: body["state"].update(changes))


NO_FILE = {"sha256": "", "bytes": 1}
LIES: dict[str, Callable[[Path], None]] = {
    "no format": lambda f: resealed(f, lambda b: b.pop("format")),
    "no files": lambda f: resealed(f, lambda b: b.update(files={})),
    "a list of files": lambda f: resealed(f, lambda b: b.update(files=["model.safetensors"])),
    "a file outside": lambda f: resealed(f, lambda b: b["files"].update({"../../run.json": NO_FILE})),
    "a file that never ends": lambda f: resealed(f, lambda b: b["files"].update({"/dev/zero": NO_FILE})),
    "no state": lambda f: resealed(f, lambda b: b.update(state=None)),
    "no configuration": lambda f: resealed(f, lambda b: b["state"].pop("config")),
    "a configuration of no sense": with_state(config={"max_steps": -1}),
    "an empty configuration": with_state(config={}),
    "no step": lambda f: resealed(f, lambda b: b["state"].pop("step")),
    "a step of words": with_state(step="four"),
    "tokens of words": with_state(tokens=[1]),
    "a best of words": with_state(best="low"),
    "a time of words": with_state(time="long"),
    "threads of words": with_state(threads="many"),
    "threads without end": with_state(threads=2**40),
    "versions of words": with_state(versions="all"),
    "bytes that are none": with_state(tokens={"$bytes": 5}),
    "a number too long": with_state(tokens={"$int": "9" * 5000}),
    "a float that is none": with_state(time={"$float": "soon"}),
    "another device": with_state(device={"x": 1}),
    "another dtype": with_state(dtype="int3"),
    "no safetensors": with_file("model.safetensors", b"\x80\x04}q\x00."),
    "other tensors": with_file("model.safetensors", tensor_bytes({"a": np.ones(3)})),
    "no moments": with_file("optimizer.safetensors", tensor_bytes({})),
    "other moments": with_file("optimizer.safetensors", tensor_bytes({"exp_avg": np.ones(3)})),
}  # fmt: skip


OURS = ("runs/run", "cache")  # the run itself, and the ids of its text


@pytest.mark.parametrize("lie", LIES)
def test_a_checkpoint_that_lies_under_right_checksums(run: Path, lie: str) -> None:
    folder = run / "checkpoints" / "step-000004"
    for other in (run / "checkpoints").glob("step-*"):
        if other != folder:
            shutil.rmtree(other)
    LIES[lie](folder)
    before = state_of(run.parent.parent)
    assert list_runs(run.parent)[0].state == "finished"
    for attempt in (lambda: go_on(run), lambda: load_model(str(run), device="cpu"), lambda: describe(str(run))):
        try:
            attempt()
        except LabError as error:
            two_lines(error)
            assert "bug" not in error.title, error.title
    after = state_of(run.parent.parent)
    assert {k: v for k, v in after.items() if not k.startswith(OURS)} == {
        k: v for k, v in before.items() if not k.startswith(OURS)
    }


# A newer version's


NEWER: dict[str, Callable[[Path], object]] = {
    "open_run": open_run,
    "open_watched": open_watched,
    "load_model": lambda run: load_model(str(run), device="cpu"),
    "load_model of a step": lambda run: load_model(f"{run}@4", device="cpu"),
    "Trainer.resumed": go_on,
    "start_run": lambda run: start_run(TrainConfig(), resume=run),
}


@pytest.mark.parametrize("way", NEWER)
@pytest.mark.parametrize("known", [True, False], ids=["as now", "otherwise"])
def test_a_run_of_a_newer_format_says_so_on_every_way_in(run: Path, way: str, known: bool) -> None:
    meta = json.loads((run / META).read_text())
    (run / META).write_text(json.dumps({**meta, "format": 2} if known else {"format": 2, "settings": ["all", "new"]}))
    with pytest.raises(LabError) as caught:
        NEWER[way](run)
    assert "format 2" in caught.value.title and "pip install --upgrade llm-lab" in caught.value.hint
    (row,) = list_runs(run.parent)
    assert row.state == "unreadable" and "format 2" in row.message


def test_parts_of_a_newer_format_say_so(run: Path) -> None:
    resealed(run / "checkpoints" / "step-000004", lambda body: body.update(format=2, files={"all.bin": {}}))
    with pytest.raises(CheckpointError, match="format 2") as caught:
        go_on(run)
    assert "pip install --upgrade llm-lab" in caught.value.hint
    tokenizer = json.loads((run / "tokenizer.json").read_text())
    (run / "tokenizer.json").write_text(json.dumps({**tokenizer, "format": 99}))
    with pytest.raises(LabError, match="format 99") as told:
        load_tokenizer(run)
    assert "pip install --upgrade llm-lab" in told.value.hint
