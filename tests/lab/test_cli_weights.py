"""``llm-lab weights``, ``compare``, ``convert`` and ``train --from``, on the demo that ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.shelf import kept_steps
from core.tokenizers import load_tokenizer
from core.training.runs import open_run
from core.weights.inspect import stats, tensors


def test_weights_as_a_table_and_as_json(llm_lab: Any) -> None:
    said = llm_lab("weights", "demo", "--filter", "ln_f|model/wte$")
    lines = said.out.splitlines()
    assert said.code == 0
    assert [line.split()[0] for line in lines[1:4]] == ["wte.weight", "ln_f.weight", "ln_f.bias"]
    answer = llm_lab("weights", "demo", "--filter", "ln_f", "--json").json
    found = tensors("demo")
    assert answer["parameters"] == found.parameters == answer["size"]["parameters"]
    assert [t["name"] for t in answer["tensors"]] == ["ln_f.weight", "ln_f.bias"]
    assert answer["tensors"][0]["openai"] == "model/ln_f/g"
    assert answer["tensors"][0]["stats"] == stats("demo", "ln_f.weight").to_dict()


def test_a_published_size_is_listed_without_its_files(llm_lab: Any) -> None:
    answer = llm_lab("weights", "gpt2-medium", "--json").json
    assert (answer["parameters"], len(answer["tensors"]), answer["here"]) == (354_823_168, 292, False)
    assert "stats" not in answer["tensors"][0]
    said = llm_lab("weights", "gpt2-medium", "--sizes")
    assert "llm-lab pull gpt2-medium" in said.out
    assert "L · (4C² + 4C) = 24 · (4·1024² + 4·1024) = 100,761,600" in said.out


@pytest.mark.parametrize(
    ("argv", "title"),
    [
        (("weights", "nobody"), "no model is called nobody"),
        (("weights", "demo", "--filter", "("), "--filter must be a regular expression"),
        (("weights", "demo", "--filter", "nothing"), "no tensor of demo matches nothing"),
        (("compare", "demo", "gpt2"), "gpt2 is not on this machine"),
        (("convert", "demo", "there", "--to", "keras"), "a name that ends in .keras was expected, got there"),
        (("convert", "demo", "there", "--to", "onnx"), "got 'onnx'"),
        (("convert", "nobody", "there"), "no model is called nobody"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines(llm_lab: Any, argv: tuple[str, ...], title: str) -> None:
    said = llm_lab(*argv)
    assert said.code == 2
    assert title in said.error["title"]
    assert json.loads(llm_lab(*argv, "--json").out)["error"]["title"] == said.error["title"]


def test_two_steps_of_the_demo_are_compared(llm_lab: Any) -> None:
    first, last = (lambda steps: (steps[0], steps[-1]))(kept_steps(open_run("demo")))
    answer = llm_lab("compare", f"demo@{first}", f"demo@{last}", "--sort", "--json").json
    assert answer["of"] == answer["moved"] == len(tensors("demo"))
    relative = [t["relative"] for t in answer["tensors"] if t["relative"] is not None]
    assert relative == sorted(relative, reverse=True)
    said = llm_lab("compare", "demo", "demo")
    assert f"0 of {answer['of']} tensors differ" in said.out


def test_a_change_that_has_no_figure_is_explained(llm_lab: Any) -> None:
    said = llm_lab("compare", "demo@0", "demo").out  # a model begins with biases of zero
    rows = {line.split()[0]: line for line in said.splitlines() if line}
    assert "from 0" in rows["h.0.ln_1.bias"] and "–" in rows["h.0.ln_1.bias"]
    assert not {"inf", "nan"} & set(said.split())
    assert "from 0: all zeros in A" in said and "\n–: one of the two is all zeros" in said
    assert "from 0" not in llm_lab("compare", "demo", "demo").out


def test_there_and_back(llm_lab: Any, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    assert llm_lab("convert", "demo", theirs).code == 0
    steps = [
        json.loads(line) for line in llm_lab("convert", theirs, ours, "--to", "llm-lab", "--json").out.splitlines()
    ]
    assert steps[-1]["phase"] == "done" and steps[-1]["path"] == str(ours)
    assert llm_lab("compare", "demo", ours, "--json").json["moved"] == 0
    again = llm_lab("convert", "demo", theirs)
    assert "is there already" in again.error["title"]


def test_a_run_from_the_demo_learns_another_text_at_once(llm_lab: Any, the_verdict: Path, tmp_path: Path) -> None:
    tokenizer, text = load_tokenizer(open_run("demo").path), the_verdict.read_text(encoding="utf-8")
    known = {c for c in set(text) if _knows(tokenizer, c)}  # the demo's may be of characters
    corpus = tmp_path / "verdict.txt"
    corpus.write_text("".join(c if c in known else " " for c in text), encoding="utf-8")
    flags = {"max-steps": 12, "eval-interval": 4, "sample-interval": 0, "checkpoint-interval": 0, "warmup-steps": 1}
    flags |= {"learning-rate": 3e-4, "min-learning-rate": 1e-4, "batch-size": 4, "context-length": 64, "threads": 1}
    argv = [word for name, value in flags.items() for word in (f"--{name}", value)]
    said = llm_lab("train", "--from", "demo", "--corpus", corpus, "--name", "tuned", *argv)
    assert said.code == 0, said.err
    run = open_run("tuned")
    losses = [e.val_loss for e in run.events() if e.kind == "eval"]
    assert losses[-1] < losses[0] - 0.02
    first = next(e.loss for e in run.events() if e.kind == "step")
    assert first < 0.9 * _chance(tokenizer.vocab_size)  # it begins with what it knows
    assert load_tokenizer(run.path).fingerprint == tokenizer.fingerprint
    assert run.config.model.emb_dim == open_run("demo").config.model.emb_dim


def _knows(tokenizer: object, character: str) -> bool:
    from core.errors import TokenizerError

    try:
        tokenizer.encode(character)  # type: ignore[attr-defined]
    except TokenizerError:
        return False
    return True


def _chance(entries: int) -> float:
    import math

    return math.log(entries)


def test_a_shape_or_a_tokenizer_that_is_not_the_weights_own(llm_lab: Any, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat. " * 400)
    layers = open_run("demo").config.model.n_layers
    said = llm_lab("train", "--from", "demo", "--corpus", tmp_path / "text.txt", "--n-layers", layers + 1)
    assert f"n_layers is {layers} there, {layers + 1} here" in said.error["title"]
    said = llm_lab("train", "--from", "demo", "--tokenizer", "words-v2")
    assert "come with their own tokenizer" in said.error["title"]
    assert llm_lab("train", "--from", "gpt2").error["hint"] == "fetch it: llm-lab pull gpt2"
    assert llm_lab("train", "--init-from", "nobody").code == 2
