"""Decoding when the ground moves: no memory, weights written over, readers that leave, two callers at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_models import letters

from core.errors import CheckpointError, MemoryShortError
from core.generation import memory
from core.generation.beams import beam_search
from core.generation.engine import generate
from core.generation.runner import PlainRunner
from core.generation.session import Session
from core.generation.settings import SamplingConfig
from core.weights.checkpoint import LoadedModel, load_model
from core.weights.convert import convert

GREEDY = SamplingConfig(temperature=0, max_new_tokens=12)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Two threads on small products wait for each other more than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def said(model: LoadedModel, session: Session) -> list[int]:
    return [step.token_id for step in generate(model, "the", GREEDY, session=session)]


def test_too_many_continuations_are_refused_with_how_many_would_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    model = letters(context=32)
    row = memory.cache_bytes(model.config, 1 + 12) + 8 * 39
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(row * 5 / 0.9) + 10)
    with pytest.raises(MemoryShortError, match=r"^9 x 13 tokens need about") as caught:
        generate(model, "a", GREEDY, n=9)
    assert caught.value.hint == "this would fit: 5 at once (n, or beams)"
    with pytest.raises(MemoryShortError, match=r"^9 x"):
        beam_search(model, "a", 9, GREEDY)
    assert list(generate(model, "a", GREEDY, n=5))


def test_too_long_an_answer_is_refused_with_how_long_would_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    model = letters(context=32)
    monkeypatch.setattr(memory, "free_bytes", lambda device: memory.cache_bytes(model.config, 8))
    with pytest.raises(MemoryShortError) as caught:
        generate(model, "a", GREEDY)
    assert caught.value.hint == "this would fit: max_new_tokens 6"
    monkeypatch.setattr(memory, "free_bytes", lambda device: 100)
    with pytest.raises(MemoryShortError) as caught:
        generate(model, "a", GREEDY)
    assert "smaller model" in caught.value.hint


def test_an_allocation_that_fails_after_all_is_told_and_the_session_goes_on() -> None:
    class Hungry(PlainRunner):
        hungry = True

        def prefill(self, ids: torch.Tensor) -> torch.Tensor:
            if self.hungry and self.length >= 6:
                torch.empty(1 << 50)  # PyTorch's own refusal
            return super().prefill(ids)

    model = letters()
    expected = said(model, Session(model))
    runner = Hungry(model.model)
    session = Session(model, runner)
    steps = generate(model, "the", GREEDY, session=session)
    with pytest.raises(MemoryShortError, match="out of memory while decoding"):
        list(steps)
    runner.hungry = False
    assert said(model, session) == expected


def test_a_reader_that_leaves_in_the_middle_does_no_harm() -> None:
    model = letters()
    expected = said(model, Session(model))
    session = Session(model)
    steps = generate(model, "the", GREEDY.override(max_new_tokens=500), n=3, session=session)
    for _ in range(7):
        next(steps)
    del steps
    assert said(model, session) == expected


def test_two_threads_may_share_a_session() -> None:
    model = letters(context=32)
    session = Session(model)
    prompts = ["the fox", "a cat sat", "dog"]
    found: dict[str, list[int]] = {}
    config = SamplingConfig(max_new_tokens=25, temperature=1)

    def run(prompt: str) -> None:
        found[prompt] = [step.token_id for step in generate(model, prompt, config, session=session)]

    threads = [threading.Thread(target=run, args=(prompt,)) for prompt in prompts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for prompt in prompts:
        assert found[prompt] == [step.token_id for step in generate(model, prompt, config)]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The demo model in float32, so that its weights are mapped when it is opened; their file."""
    for _ in convert("demo", tmp_path / "copy", to="llm-lab"):
        pass
    return tmp_path / "copy" / "model.safetensors"


def opened(weights: Path) -> LoadedModel:
    model = load_model(str(weights.parent))
    assert model.maps and model.source == weights
    return model


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to replace a file that is in use")
@pytest.mark.parametrize("replaced", [True, False])
def test_a_model_file_that_is_replaced_or_deleted_under_a_running_console(weights: Path, replaced: bool) -> None:
    model = opened(weights)
    session = Session(model, PlainRunner(model.model))
    expected = said(model, session)
    if replaced:
        (weights.parent / "new").write_bytes(bytes(weights.stat().st_size))
        os.replace(weights.parent / "new", weights)  # noqa: PTH105
    else:
        weights.unlink()
    steps = list(generate(model, "the", GREEDY, session=session))
    assert [step.token_id for step in steps] == expected
    assert ("was replaced" if replaced else "is gone") in steps[0].notice
    assert not any(step.notice for step in generate(model, "the", GREEDY, session=session)), "it is said once"


def test_a_model_file_that_is_written_over_is_an_error_before_its_numbers_are_used(weights: Path) -> None:
    model = opened(weights)
    session = Session(model)
    steps = generate(model, "the", GREEDY, session=session)
    next(steps)
    os.utime(weights, ns=(0, 0))
    with pytest.raises(CheckpointError, match="was written over while the model was in use") as caught:
        next(steps)
    assert "open the model again" in caught.value.hint


CUT = """
import os, sys
from core.errors import CheckpointError
from core.generation.engine import generate
from core.generation.runner import PlainRunner
from core.generation.session import Session
from core.weights.checkpoint import load_model

model = load_model(sys.argv[1])
session = Session(model, PlainRunner(model.model))
os.truncate(model.source, 100)
try:
    list(generate(model, "the", session=session))
except CheckpointError as error:
    print(error.title)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to cut a file that is mapped")
def test_a_model_file_that_is_cut_short_does_not_end_the_process(weights: Path) -> None:
    """The weights are a view of the file: touching what is gone would be a bus error."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CUT, str(weights.parent)], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "100 now" in done.stdout
