"""``llm-lab attention --steps``: text, JSON and CSV of the arithmetic, and what is refused."""

from __future__ import annotations

import csv
import io

import pytest

import core
from core.model.arithmetic import head_steps
from core.model.parts import PARTS
from core.model.pictures.labels import token_labels

TEXT = "The for statement"


def test_the_steps_of_a_head_are_those_of_core(llm_lab):
    model = core.load_model("demo", device="cpu")
    ids = model.tokenizer.encode(TEXT)
    trace = core.trace(model.model, ids)
    said = llm_lab("attention", "demo", TEXT, "--layer", 2, "--head", 1, "--row", 3, "--steps", "--device", "cpu")
    assert said.code == 0 and said.err == ""
    lines = said.out.splitlines()
    assert [line for line in lines if line[:1].isdigit()] == [
        f"{i} {step.title}: {step.why}"
        for i, step in enumerate(head_steps(trace, 2, 1, 3, tokens=token_labels(model.tokenizer, ids)), 1)
    ]
    assert lines[-1].startswith("  ✓ equals the fast path to 1e-")
    printed = llm_lab(
        "attention", "demo", TEXT, "--layer", 2, "--head", 1, "--row", 3, "--steps", "--device", "cpu", "--json"
    ).json
    assert (printed["part"], printed["layer"], printed["head"], printed["row"]) == ("head", 2, 1, 3)
    weights = printed["steps"][5]["numbers"]["weights"]
    assert weights == pytest.approx(trace.pattern(2, 1)[3, :4].tolist(), rel=1e-5)
    assert printed["steps"][7]["check"]["ok"] is True


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_printed_and_agrees(llm_lab, part):
    said = llm_lab("attention", "demo", TEXT, "--layer", 1, "--head", 0, "--part", part)
    assert said.code == 0 and "✓ equals" in said.out and "✗" not in said.out
    assert max(len(line) for line in said.out.splitlines()) < 100


def test_csv_holds_every_number(llm_lab, tmp_path):
    words = ("attention", "demo", TEXT, "--layer", 1, "--head", 0, "--steps")
    rows = list(csv.reader(io.StringIO(llm_lab(*words, "--csv", "-").out)))
    printed = llm_lab(*words, "--json").json
    assert rows[0] == ["number", "step", "name", "index", "value"]
    flat = [v for step in printed["steps"] for values in step["numbers"].values() for v in values]
    assert len(rows) == 1 + len(flat)
    assert [float(row[4]) for row in rows[1:5]] == flat[:4]
    said = llm_lab(*words, "--csv", tmp_path / "steps.csv")
    assert said.out == "" and (tmp_path / "steps.csv").read_text().count("\n") == len(rows)


def test_a_head_that_is_off(llm_lab):
    said = llm_lab("attention", "demo", TEXT, "--layer", 1, "--head", 0, "--steps", "--off", "1.0")
    assert "this run switches the head off" in said.out and "✗" not in said.out


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("--steps",), "the steps of 'head' are of one place: --layer and --head are needed"),
        (("--part", "block"), "the steps of 'block' are of one place: --layer is needed"),
        (("--part", "lost"), "--part knows no 'lost' (did you mean loss?)"),
        (("--steps", "--layer", "99", "--head", "0"), "there is no layer 99: there are layers 0 to "),
        (("--steps", "--layer", "0", "--head", "99"), "there is no head 99: there are heads 0 to "),
        (("--steps", "--layer", "0", "--head", "0", "--row", "99"), "there is no token 99: the text has tokens 0 to "),
        (
            ("--steps", "--layer", "0", "--head", "0", "--row", "1", "--column", "2"),
            "there is no column 2: there are columns 0 to 1",
        ),
        (("--part", "loss", "--column", "2"), "--column is of the steps of a head, got it for 'loss'"),
        (("--column", "2"), "--column is of the steps of a head"),
        (("--part", "loss", "--png", "x.png"), "steps are numbers, there is no picture of them"),
    ],
)
def test_what_is_refused_says_why(llm_lab, words, title):
    said = llm_lab("attention", "demo", TEXT, *words)
    assert said.code == 2 and said.error["title"].startswith(title) and said.error["hint"]
    assert llm_lab("attention", "demo", TEXT, *words, "--json").json["error"]["title"] == said.error["title"]


def test_one_token_and_an_empty_text(llm_lab):
    said = llm_lab("attention", "demo", "a", "--layer", 0, "--head", 0, "--steps")
    assert said.code == 0 and "#0 is all it sees" in said.out
    assert "nothing to predict" in llm_lab("attention", "demo", "a", "--part", "loss").out
    assert llm_lab("attention", "demo", "", "--part", "loss").code == 2
