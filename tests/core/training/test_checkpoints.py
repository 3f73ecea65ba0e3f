from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import CheckpointError, RunError
from core.training.checkpoints import load_checkpoint, save_checkpoint, save_snapshot
from core.training.stored import (
    clean_leftovers,
    find_checkpoint,
    list_checkpoints,
    list_snapshots,
    mark_best,
    prune,
    set_aside_after,
)


def save(run: Path, step: int, **state: Any) -> Path:
    return save_checkpoint(run, step, {"w": torch.full((3, 2), float(step))}, {"m": torch.ones(4)}, state)


def steps(run: Path) -> list[int]:
    return [info.step for info in list_checkpoints(run)]


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = {
        "wte": torch.randn(5, 3),
        "half": torch.randn(4).to(torch.bfloat16),
        "turned": torch.randn(3, 4).t(),
        "empty": torch.zeros(0, 2),
        "count": torch.tensor(7),
    }
    optimizer = {"exp_avg.wte": torch.randn(5, 3), "mask": torch.tensor([True, False])}
    path = save_checkpoint(tmp_path, 500, model, optimizer, {"best": 1.5})
    assert path == tmp_path / "checkpoints" / "step-000500"
    found = load_checkpoint(path)
    assert found.step == 500
    assert found.state == {"best": 1.5}
    for saved, loaded in ((model, found.model), (optimizer, found.optimizer)):
        assert saved.keys() == loaded.keys()
        for name, tensor in saved.items():
            assert loaded[name].dtype == tensor.dtype
            assert torch.equal(loaded[name], tensor)


def test_tensors_that_share_memory(tmp_path: Path) -> None:
    flat = torch.arange(12.0)
    tied = torch.randn(4)
    model = {"a": flat[:6], "b": flat[6:].view(2, 3), "head": tied, "embedding": tied, "part": tied[1:3]}
    found = load_checkpoint(save_checkpoint(tmp_path, 1, model, {}, {})).model
    for name, tensor in model.items():
        assert torch.equal(found[name], tensor)
    assert found["head"].data_ptr() != found["embedding"].data_ptr()


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), values, max_size=4))
def test_any_state_comes_back(tmp_path: Path, state: dict[str, Any]) -> None:
    if any("\x00" in key or key.startswith("$") for key in state):
        return
    path = save_checkpoint(tmp_path, 3, {}, {}, state)
    assert load_checkpoint(path).state == state


def test_nan_and_random_number_states_come_back(tmp_path: Path) -> None:
    import random

    torch_state = bytes(torch.Generator().manual_seed(3).get_state().numpy())
    state = {"loss": math.nan, "python": random.Random(4).getstate(), "torch": torch_state}
    found = load_checkpoint(save(tmp_path, 1, **state)).state
    assert math.isnan(found["loss"])
    version, numbers, gauss = found["python"]
    again, expected = random.Random(), random.Random(4)
    again.setstate((version, tuple(numbers), gauss))
    assert again.random() == expected.random()
    assert found["torch"] == torch_state


def test_saved_twice_at_the_same_step(tmp_path: Path) -> None:
    save(tmp_path, 5, n=1)
    save(tmp_path, 5, n=2)
    assert load_checkpoint(find_checkpoint(tmp_path)).state == {"n": 2}
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["latest", "step-000005"]


def test_latest_best_and_steps(tmp_path: Path) -> None:
    for step in (100, 200, 1_000_000):
        save(tmp_path, step, val_loss=200 / step)
    mark_best(tmp_path, 200)
    parent = tmp_path / "checkpoints"
    assert (parent / "latest").read_text() == "step-1000000\n"
    assert (parent / "best").read_text() == "step-000200\n"
    infos = list_checkpoints(tmp_path)
    assert [(i.step, i.best, i.latest, i.val_loss) for i in infos] == [
        (100, False, False, 2.0),
        (200, True, False, 1.0),
        (1_000_000, False, True, 0.0002),
    ]
    assert find_checkpoint(tmp_path).name == "step-1000000"
    assert find_checkpoint(tmp_path, "best").name == "step-000200"
    assert find_checkpoint(tmp_path, 100) == find_checkpoint(tmp_path, "100") == infos[0].path


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no checkpoint yet"):
        find_checkpoint(tmp_path)
    save(tmp_path, 100)
    with pytest.raises(RunError, match="no checkpoint '101'") as caught:
        find_checkpoint(tmp_path, 101)
    assert "latest, best, and the steps 100" in caught.value.hint
    with pytest.raises(RunError, match="marked no checkpoint as its best"):
        find_checkpoint(tmp_path, "best")
    with pytest.raises(CheckpointError, match="no checkpoint 101 to mark"):
        mark_best(tmp_path, 101)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "checkpoints" / "step-000101")


@pytest.mark.parametrize("pointer", ["", "step-000999\n", "../..", "\x00", None])
def test_a_pointer_that_points_nowhere_is_not_followed(tmp_path: Path, pointer: str | None) -> None:
    save(tmp_path, 100)
    save(tmp_path, 200)
    latest = tmp_path / "checkpoints" / "latest"
    if pointer is None:
        latest.unlink()
    else:
        latest.write_text(pointer)
    assert find_checkpoint(tmp_path).name == "step-000200"


def test_the_last_k_the_best_and_the_latest_are_kept(tmp_path: Path) -> None:
    for step in (100, 200, 300, 400, 500):
        save(tmp_path, step)
        if step == 200:
            mark_best(tmp_path, step)
    removed = prune(tmp_path, 2)
    assert [p.name for p in removed] == ["step-000100", "step-000300"]
    assert steps(tmp_path) == [200, 400, 500]
    assert prune(tmp_path, 2) == []
    prune(tmp_path, 0)
    assert steps(tmp_path) == [200, 500]


def test_going_on_from_an_earlier_step_sets_the_later_ones_aside(tmp_path: Path) -> None:
    for step in (100, 200, 300):
        save(tmp_path, step)
        save_snapshot(tmp_path, step, {"w": torch.ones(2)})
    mark_best(tmp_path, 300)
    moved = set_aside_after(tmp_path, 100)
    assert len(moved) == 4
    assert all(p.exists() for p in moved)
    assert steps(tmp_path) == [100]
    assert [s.step for s in list_snapshots(tmp_path)] == [100]
    assert find_checkpoint(tmp_path).name == "step-000100"
    assert not (tmp_path / "checkpoints" / "best").exists()
    save(tmp_path, 200)
    assert prune(tmp_path, 1) == [tmp_path / "checkpoints" / "step-000100"]
    assert set_aside_after(tmp_path, 100)
    assert set_aside_after(tmp_path, 100) == []


def test_the_best_that_is_left_becomes_the_best(tmp_path: Path) -> None:
    for step, loss in ((100, 2.0), (200, 1.5), (300, 1.5), (400, 1.0), (500, 3.0)):
        save_checkpoint(tmp_path, step, {}, {}, {"val_loss": loss}, best=step in (100, 200, 400))
    assert find_checkpoint(tmp_path, "best").name == "step-000400"
    assert find_checkpoint(tmp_path).name == "step-000500"
    set_aside_after(tmp_path, 400)
    assert find_checkpoint(tmp_path, "best").name == find_checkpoint(tmp_path).name == "step-000400"
    set_aside_after(tmp_path, 300)
    assert find_checkpoint(tmp_path, "best").name == "step-000200"


def test_what_was_loaded_does_not_change_with_the_file(tmp_path: Path) -> None:
    path = save(tmp_path, 7)
    found = load_checkpoint(path)
    with (path / "model.safetensors").open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(size - 24)
        file.write(b"\xff" * 24)
    assert found.model["w"].tolist() == [[7.0, 7.0]] * 3


def test_what_a_killed_writer_left_is_removed_or_put_back(tmp_path: Path) -> None:
    save(tmp_path, 100)
    save(tmp_path, 200)
    parent = tmp_path / "checkpoints"
    (parent / ".tmp-step-000300-1").mkdir()
    (parent / ".tmp-step-000300-1" / "model.safetensors").write_bytes(b"half")
    (parent / ".latest.1.tmp").write_bytes(b"")
    (parent / "step-000200").rename(parent / ".old-step-000200")  # killed between two renames
    (parent / ".old-step-000100").mkdir()  # killed before the old one was removed
    clean_leftovers(tmp_path)
    assert sorted(p.name for p in parent.iterdir()) == ["latest", "step-000100", "step-000200"]
    load_checkpoint(find_checkpoint(tmp_path))


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_each_damaged_file_is_named_and_the_one_before_offered(tmp_path: Path, name: str) -> None:
    run = tmp_path / "shakes"
    run.mkdir()
    for step in (100, 200, 300):
        save(run, step, threads=2)
    for step in (200, 300):
        file = run / "checkpoints" / f"step-{step:06d}" / name
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    with pytest.raises(CheckpointError, match=f"step-000300 of shakes is damaged: {name}") as caught:
        load_checkpoint(find_checkpoint(run))
    assert "llm-lab train --resume shakes --checkpoint 100" in caught.value.hint
    assert load_checkpoint(find_checkpoint(run, 100)).step == 100


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_missing_or_cut_file_is_damage(tmp_path: Path, name: str) -> None:
    path = save(tmp_path, 100)
    whole = (path / name).read_bytes()
    (path / name).write_bytes(whole[:-5])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)
    (path / name).unlink()
    with pytest.raises(CheckpointError, match="damaged") as caught:
        load_checkpoint(path)
    assert "start the run anew" in caught.value.hint


@pytest.mark.parametrize("text", ["null", "[]", "{}", '{"check": 3}', "", '{"step": 1, "files": 3}'])
def test_a_state_that_is_something_else_is_damage(tmp_path: Path, text: str) -> None:
    path = save(tmp_path, 100)
    (path / "state.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"damaged: state\.json"):
        load_checkpoint(path)
    assert steps(tmp_path) == [100]


def test_a_newer_format_is_not_damage(tmp_path: Path) -> None:
    from core.training.checkpoints import _check

    path = save(tmp_path, 100)
    body = json.loads((path / "state.json").read_bytes())
    body["format"] = 2
    body["check"] = _check(body)
    (path / "state.json").write_text(json.dumps(body))
    with pytest.raises(CheckpointError, match="format 2, up to 1 is known"):
        load_checkpoint(path)


def test_a_snapshot_is_16_bit_and_keeps_large_values(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    weights = {"w": torch.tensor([0.1, -2.0]), "big": torch.tensor([1e6]), "ids": torch.tensor([3])}
    weights["no"] = torch.ones(0)
    path = save_snapshot(tmp_path, 0, weights)
    assert path == tmp_path / "snapshots" / "step-000000.safetensors"
    found = load_file(path)
    assert {k: v.dtype for k, v in found.items()} == {
        "w": torch.float16,
        "big": torch.bfloat16,
        "ids": torch.int64,
        "no": torch.float16,
    }
    assert torch.allclose(found["w"].float(), weights["w"], rtol=1e-3)
    assert torch.isfinite(found["big"]).all()
    save_snapshot(tmp_path, 0, weights)
    assert [p.name for p in path.parent.iterdir()] == ["step-000000.safetensors"]


def test_foreign_names_are_no_checkpoints(tmp_path: Path) -> None:
    save(tmp_path, 100)
    for name in ("step-1", "step-00010x", "step-000300.safetensors", "notes"):
        (tmp_path / "checkpoints" / name).mkdir()
    assert steps(tmp_path) == [100]
    assert list_snapshots(tmp_path) == []


def test_listing_loads_no_torch(tmp_path: Path) -> None:
    save(tmp_path, 100, val_loss=math.inf)
    code = (
        "import sys; from pathlib import Path; from core.training.stored import *;"
        f"i, = list_checkpoints(Path({str(tmp_path)!r})); assert i.val_loss is None;"
        "sys.exit(sum(m in sys.modules for m in ('torch', 'numpy', 'safetensors')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_what_safetensors_began_is_swept_away_too(tmp_path: Path) -> None:
    """A kill inside its writer leaves a file with a name of its own making."""
    from core.training.stored import clean_leftovers

    left = tmp_path / "snapshots" / ".tmpNxtS6l"
    left.parent.mkdir()
    left.write_bytes(b"half")
    kept = left.with_name("step-000010.safetensors")
    kept.write_bytes(b"whole")
    clean_leftovers(tmp_path)
    assert [path.name for path in left.parent.iterdir()] == [kept.name]
