"""A session: what it reads again, what it keeps, and what it says of the file of its weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import letters

from core.errors import CheckpointError
from core.generation.runner import PlainRunner
from core.generation.session import Session, WeightsFile, window_start

MODEL = letters(context=12)


def fresh(ids: list[int], start: int) -> torch.Tensor:
    with torch.no_grad():
        return MODEL.model(torch.tensor([ids[start:]]))[0, -1]


@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.lists(st.lists(st.integers(0, 2), max_size=30), min_size=1, max_size=3)),
        max_size=6,
    )
)
def test_whatever_was_asked_before_the_answer_is_that_of_a_fresh_model(
    asked: list[tuple[int, list[list[int]]]],
) -> None:
    """Rows that share beginnings, grow, shrink, change in number, and slide past the context."""
    session = Session(MODEL, PlainRunner(MODEL.model))
    for length, tails in asked:
        rows = [
            ([1, 0, 2] * 10 + tail)[-length:] if i % 2 else (tail + [0, 1] * 10)[:length]
            for i, tail in enumerate(tails)
        ]
        found = session.logits(rows, 3)
        assert found is not None and found.shape == (len(rows), 39)
        start = window_start(length, 3, 12)
        for row, logits in zip(rows, found, strict=True):
            assert torch.allclose(logits, fresh(row, start), atol=1e-4)


@given(st.integers(1, 60), st.integers(0, 200), st.integers(1, 30))
def test_the_window_fits_and_moves_on_only(prompt: int, answer: int, context: int) -> None:
    starts = [window_start(prompt + n, prompt, context) for n in range(answer + 1)]
    assert all(1 <= prompt + n - start <= context for n, start in enumerate(starts))
    assert starts == sorted(starts)
    assert starts[0] == max(0, prompt - context)


def test_a_file_that_is_replaced_or_deleted_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    watched = WeightsFile(path)
    assert watched.notice() == ""
    (tmp_path / "other").write_bytes(b"other weights")
    os.replace(tmp_path / "other", path)  # noqa: PTH105
    watched.check()
    assert "model.safetensors was replaced" in watched.notice() and watched.notice() == ""
    gone = WeightsFile(path)
    path.unlink()
    gone.check()
    assert "is gone" in gone.notice() and gone.notice() == ""


@pytest.mark.parametrize("content", [b"weig", b"weights and more", b"WEIGHTS"])
def test_a_file_that_is_written_over_in_place_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    os.utime(path, ns=(0, 0))
    watched = WeightsFile(path)
    watched.check()
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"7 bytes when it was opened, {len(content)} now"):
        watched.check()


def test_a_file_that_is_written_over_does_no_harm_where_nothing_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    watched = WeightsFile(path, mapped=False)
    path.write_bytes(b"weig")
    watched.check()
    assert "was written over" in watched.notice() and watched.notice() == ""


def test_a_model_without_a_file_is_not_watched(tmp_path: Path) -> None:
    nowhere = WeightsFile(tmp_path / "none")
    nowhere.check()
    assert nowhere.notice() == ""
