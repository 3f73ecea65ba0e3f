"""The twin in files: ``.keras`` and our safetensors, there and back; and what is refused."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import core
from core.errors import CheckpointError, InputError
from core.tokenizers import get_tokenizer
from tests.tiny_models import LETTERS
from tests.twin_models import SHAPES, TINY, arrays_of, keras_model, same_arrays, some_ids, torch_model

SMALL = SHAPES["tied, no bias"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small twin as a ``.keras`` file."""
    from core.keras_twin.files import save_keras

    path = tmp_path_factory.mktemp("keras") / "small.keras"
    save_keras(keras_model(SMALL, arrays_of(torch_model(SMALL))), path)
    return path


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_keras_file_there_and_back(tmp_path: Path, config: Any) -> None:
    from core.keras_twin.files import load_keras, save_keras
    from core.keras_twin.weights import arrays

    model = keras_model(config, arrays_of(torch_model(config)))
    save_keras(model, tmp_path / "a" / "twin.keras")
    again = load_keras(tmp_path / "a" / "twin.keras")
    assert again.config == config
    assert same_arrays(arrays(again), arrays(model))
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["twin.keras"]
    ids = some_ids(config)
    assert np.array_equal(again(ids).numpy(), model(ids).numpy())


def test_keras_itself_opens_it(saved: Path) -> None:
    import keras

    model = keras.saving.load_model(saved)
    assert type(model).__name__ == "KerasGPT" and model.config == SMALL


def test_our_safetensors_are_pytorchs_model(tmp_path: Path) -> None:
    from core.keras_twin.files import open_twin, save_own
    from core.keras_twin.weights import arrays

    tokenizer = get_tokenizer("char", LETTERS)
    config = core.GPTConfig(tokenizer.vocab_size, 16, 32, 4, 2, tie_weights=False)
    theirs = torch_model(config)
    save_own(keras_model(config, arrays_of(theirs)), tmp_path / "own", tokenizer)
    loaded = core.load_model(str(tmp_path / "own"))
    assert same_arrays(arrays_of(loaded.model), arrays_of(theirs))
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("abc")) == "abc"
    assert same_arrays(arrays(open_twin(str(tmp_path / "own"))), arrays_of(theirs))
    with pytest.raises(InputError, match="is there already"):
        save_own(keras_model(config), tmp_path / "own")


def test_the_demo_as_its_twin() -> None:
    from core.keras_twin.files import open_twin

    loaded = core.load_model("demo")
    ids = loaded.tokenizer.encode("A language model reads")
    with torch.no_grad():
        expected = loaded.model(torch.tensor([ids])).numpy()
    keras_model(SMALL)
    assert np.abs(open_twin("demo")(np.array([ids])).numpy() - expected).max() < 1e-4


# What is refused


def changed(saved: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of the file with other members."""
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def with_config(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    def apply(members: dict[str, bytes]) -> None:
        raw = json.loads(members["config.json"])
        change(raw)
        members["config.json"] = json.dumps(raw).encode()

    return apply


def refused(path: Path, *words: str) -> None:
    from core.keras_twin.files import load_keras

    with pytest.raises(CheckpointError) as caught:
        load_keras(path)
    for word in words:
        assert word in caught.value.title, caught.value.title
    assert caught.value.hint


def test_a_file_with_code_in_it(tmp_path: Path) -> None:
    """Made by Keras itself: a model whose ``Lambda`` would run when it is loaded."""
    keras_model(SMALL)
    import keras

    mark = tmp_path / "ran"
    name = str(mark)
    running = keras.layers.Lambda(lambda x: (open(name, "w").close(), x)[1])  # noqa: PTH123
    model = keras.Sequential([keras.Input((4,)), running])
    mark.unlink(missing_ok=True)
    model.save(tmp_path / "lambda.keras")
    refused(tmp_path / "lambda.keras", "it holds a Sequential")
    assert not mark.exists()
    keras.saving.load_model(tmp_path / "lambda.keras", safe_mode=False)  # it would have
    assert mark.exists()


CALL = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda raw: raw.update(module="os", class_name="system"), "it holds a"),
        (lambda raw: raw.update(registered_name="Sequential"), "it holds a Sequential"),
        (lambda raw: raw["config"].update(dtype=CALL), "classes or functions"),
        (lambda raw: raw["config"].update(layers=[CALL]), "more or less than a shape"),
        (lambda raw: raw.update(compile_config={"optimizer": CALL}), "classes or functions"),
        (lambda raw: raw.update(build_config={"shapes": [CALL]}), "classes or functions"),
        (lambda raw: raw.update(extra=1), "it says extra"),
        (lambda raw: raw["config"]["config"].update(n_heads=7), "n_heads"),
        (lambda raw: raw["config"]["config"].update(vocab_size=None), "vocab_size"),
        (lambda raw: raw["config"].update(dtype="float64"), "its dtype is float64"),
        (lambda raw: raw["config"]["config"].update(n_layers=2), "belong to the shape"),
        (lambda raw: raw["config"]["config"].update(context_length=15), "numbers"),
    ],
)
def test_a_configuration_that_is_not_ours(saved: Path, tmp_path: Path, change: Any, word: str) -> None:
    refused(changed(saved, tmp_path / "bad.keras", with_config(change)), word)


def test_other_members(saved: Path, tmp_path: Path) -> None:
    refused(changed(saved, tmp_path / "a.keras", lambda m: m.update(assets=b"x")), "assets is not right")
    refused(changed(saved, tmp_path / "b.keras", lambda m: m.pop("model.weights.h5") and None), "is not right")
    refused(changed(saved, tmp_path / "c.keras", lambda m: m.update({"config.json": b" " * 2**21})), "too long")
    refused(changed(saved, tmp_path / "m.keras", lambda m: m.update({"metadata.json": b" " * 2**21})), "too long")
    refused(changed(saved, tmp_path / "d.keras", lambda m: m.update({"config.json": b"[1]"})), "no object")
    refused(changed(saved, tmp_path / "e.keras", lambda m: m.update({"config.json": b"{"})), "cannot be read")


def test_weights_of_another_shape(saved: Path, tmp_path: Path) -> None:
    import h5py

    with zipfile.ZipFile(saved) as archive:
        packed = archive.read("model.weights.h5")
    room = io.BytesIO(packed)
    with h5py.File(room, "r+") as file:
        old = file["h/block/attn/c_proj/vars/0"][()]
        del file["h/block/attn/c_proj/vars/0"]
        file["h/block/attn/c_proj/vars/0"] = old.reshape(16, 64)
    refused(
        changed(saved, tmp_path / "shape.keras", lambda m: m.update({"model.weights.h5": room.getvalue()})), "shape"
    )


def test_weights_that_lead_out_of_the_file(saved: Path, tmp_path: Path) -> None:
    import h5py

    with zipfile.ZipFile(saved) as archive:
        room = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(room, "r+") as file:
        del file["h/block/attn/c_proj/vars/0"]
        file["h/block/attn/c_proj/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")
    bad = changed(saved, tmp_path / "link.keras", lambda m: m.update({"model.weights.h5": room.getvalue()}))
    refused(bad, "leads out of the file")


def test_another_ending_is_not_read(saved: Path, tmp_path: Path) -> None:
    """HDF5 with an archive behind it is both: by the name .h5 Keras would read the part that nobody has checked."""
    import h5py

    with h5py.File(tmp_path / "both.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Lambda", "config": {}})
    with (tmp_path / "both.h5").open("ab") as file:
        file.write(saved.read_bytes())
    assert zipfile.is_zipfile(tmp_path / "both.h5")
    refused(tmp_path / "both.h5", "ends in .keras was expected, got both.h5")


def test_what_would_take_all_the_memory(saved: Path, tmp_path: Path) -> None:
    """Packed members, and a shape of two million entries whose weights are stated, and not there."""
    import h5py

    with zipfile.ZipFile(saved) as archive, zipfile.ZipFile(tmp_path / "p.keras", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    refused(tmp_path / "p.keras", "its members are packed")
    with zipfile.ZipFile(saved) as archive:
        room = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(room, "r+") as file:
        name = file.visititems(lambda name, item: name if getattr(item, "shape", None) == (31, 32) else None)
        del file[name]
        file.create_dataset(name, (2_000_000, 32), "f4")  # nothing is written: it takes no room

    def change(members: dict[str, bytes]) -> None:
        with_config(lambda raw: raw["config"]["config"].update(vocab_size=2_000_000))(members)
        members["model.weights.h5"] = room.getvalue()

    refused(changed(saved, tmp_path / "hollow.keras", change), "its weights have", "belong to the shape it states")


def test_weights_that_stand_in_two_places(saved: Path, tmp_path: Path) -> None:
    import h5py

    with zipfile.ZipFile(saved) as archive:
        room = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(room, "r+") as file:
        file["again"] = file["/"]  # a walk through it never ends
    bad = changed(saved, tmp_path / "ring.keras", lambda m: m.update({"model.weights.h5": room.getvalue()}))
    refused(bad, "stands in two places")


def test_a_torn_file(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 10):
        (tmp_path / "torn.keras").write_bytes(whole[:length])
        refused(tmp_path / "torn.keras", "cannot be read")
    refused(tmp_path / "nowhere.keras", "cannot be read")


def test_a_name_with_another_ending(tmp_path: Path) -> None:
    from core.keras_twin.files import save_keras

    with pytest.raises(InputError, match="ends in"):
        save_keras(keras_model(SMALL), tmp_path / "twin.h5")


def test_weights_of_another_model(tmp_path: Path) -> None:
    from core.keras_twin.weights import arrays, assign

    model = keras_model(SMALL)
    before = arrays(model)
    with pytest.raises(CheckpointError, match="has shape 65×128, 31×32 was expected"):
        assign(model, arrays_of(torch_model(TINY)))
    assert same_arrays(arrays(model), before)
    lacking = dict(before)
    lacking.pop("ln_f.bias")
    with pytest.raises(CheckpointError, match="lacks the tensor ln_f"):
        assign(model, lacking)
    shutil.rmtree(tmp_path)
