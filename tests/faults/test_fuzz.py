"""Files of every kind, changed at random: refused in two lines, passed over or read, and nothing is written.

``LLM_LAB_EXAMPLES=20000`` before the tests tries so many of each instead of a few.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from fuzz_targets import Target, targets
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LabError
from core.training.foreign.summaries import encode_scalars
from core.training.foreign.tfrecord import frame

EXAMPLES = int(os.environ.get("LLM_LAB_EXAMPLES", "40"))
TARGETS = targets()
Edit = tuple[str, float, float, bytes]


def edits(target: Target) -> st.SearchStrategy[list[Edit]]:
    """Changes to a file: where they begin and how far they go, as shares of it, and what is put in."""
    pieces = st.binary(max_size=6)
    if target.words:
        pieces = st.one_of(st.sampled_from(target.words), pieces)
    kinds = st.sampled_from(("put", "replace", "value", "drop", "double", "flip", "cut"))
    share = st.floats(0, 1, exclude_max=True)
    return st.lists(st.tuples(kinds, share, share, pieces), min_size=1, max_size=5)


def changed(data: bytes, made: list[Edit]) -> bytes:
    """The file with the changes."""
    for kind, where, far, piece in made:
        at = int(where * len(data))
        end = min(len(data), at + 1 + int(far * far * 40))
        if kind == "put":
            data = data[:at] + piece + data[at:]
        elif kind == "replace":
            data = data[:at] + piece + data[end:]
        elif kind == "value":  # what stands behind the next colon, up to the next comma or bracket
            start = data.find(b":", at) + 1
            stop = min((i for i in (data.find(c, start) for c in (b",", b"}", b"]")) if i >= 0), default=start)
            data = data[:start] + piece + data[stop:] if start else data
        elif kind == "drop":
            data = data[:at] + data[end:]
        elif kind == "double":
            data = data[:end] + data[at:end] + data[end:]
        elif kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ (1 << int(far * 8))]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
    return data


def names_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", TARGETS)
def test_a_changed_file_is_refused_passed_over_or_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = TARGETS[name]
    root = Path(tempfile.mkdtemp())
    folder = root / "x"
    folder.mkdir()
    for other, content in (target.beside or {}).items():
        (folder / other).write_bytes(content)
    outcomes = {"refused": 0, "read": 0}
    unread: set[str] = set()

    @settings(max_examples=EXAMPLES)
    @given(st.sampled_from(target.seeds), edits(target))
    def attempt(seed: bytes, made: list[Edit]) -> None:
        (folder / target.name).write_bytes(changed(seed, made))
        before = names_in(root) | unread
        try:
            target.read(folder)
            outcomes["read"] += 1
        except LabError as error:
            assert error.title
            outcomes["refused"] += 1
        unread.update(n for n in names_in(root) if n.startswith("x/checkpoints"))
        assert names_in(root) <= before | unread, "a reader wrote something"

    try:
        attempt()
    finally:
        shutil.rmtree(root)
    capsys.readouterr()
    with capsys.disabled():
        if EXAMPLES > 1000:
            print(f"\n{name}: {outcomes['read']:,} read, {outcomes['refused']:,} refused")
    assert sum(outcomes.values()) >= min(EXAMPLES, 10)


@settings(max_examples=EXAMPLES)
@given(edits(Target("", (), lambda folder: None)), st.integers(0, 20))
def test_a_record_that_is_damaged_under_a_right_checksum(made: list[Edit], at: int) -> None:
    records = [encode_scalars(1.7e9 + n, n, {"train/loss": 4.0 / n, "eval/loss": 3.0}) for n in range(1, 9)]
    records[at % 8] = changed(records[at % 8], made)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "events.out.tfevents.1.x").write_bytes(b"".join(map(frame, records)))
        try:
            TARGETS["tensorboard"].read(Path(folder))
        except LabError as error:
            assert error.title
