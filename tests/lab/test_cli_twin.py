"""``llm-lab twin``: the table, the JSON, the two lines of an error."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.keras_twin import compare
from core.keras_twin.report import Stage, TwinProgress, TwinReport
from lab.__main__ import main

STAGES = (
    Stage("embeddings", (2, 4), 2.0, 0.0, 0.0, 0.0, 0, 0, 1e-5, 2e-5),
    Stage("h.0.attn", (2, 4), 4.0, 2e-5, 5e-6, 1e-6, 1, 3, 1e-3, 2e-3),
    Stage("logits", (2, 9), 8.0, 3e-4, 3.75e-5, 1e-5, 0, 7, 1e-3, 3e-3),
)
REPORT = TwinReport(
    spec="demo",
    text="ab",
    tokens=("a", "b"),
    threshold=1e-4,
    stages=STAGES,
    tensors=5,
    identical=5,
    parameters=1234,
    agreeing=2,
    loss_torch=1.25,
    loss_keras=1.2500001,
    threads=2,
    versions={"torch": "2.13", "tensorflow": "2.21.0", "keras": "3.15", "llm-lab": "0"},
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Answers with a report at hand; what was asked."""
    seen: list[dict[str, Any]] = []

    def steps(spec: str, text: str, *, threshold: float, cancelled: Any) -> Any:
        seen.append({"spec": spec, "text": text, "threshold": threshold})
        yield TwinProgress("loading", 0, 1)
        yield replace(REPORT, threshold=threshold)

    monkeypatch.setattr(compare, "twin_steps", steps)
    return seen


def test_the_table(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "demo", "ab"]) == 0
    said = capsys.readouterr()
    assert asked == [{"spec": "demo", "text": "ab", "threshold": 1e-4}]
    lines = said.out.splitlines()
    assert lines[0].split() == [
        "step",
        "largest",
        "value",
        "difference",
        "relative",
        "alone",
        "at",
        "token",
        "PyTorch",
        "Keras",
    ]
    assert "3.00e-04 !" in said.out and "2.00e-05 !" not in said.out
    assert "0.0001 is first exceeded in logits" in said.out
    assert "5 of 5 tensors are the same bits in both (1,234 numbers)" in said.out
    assert "the same likeliest next token at 2 of 2 places" in said.out
    assert "2.0 ms in PyTorch, 5.0 ms in Keras, 2 threads each" in said.out
    assert said.err == ""


def test_another_threshold(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "demo", "ab", "--threshold", "1e-5"]) == 0
    assert "1e-05 is first exceeded in h.0.attn" in capsys.readouterr().out
    assert main(["twin", "demo", "ab", "--threshold", "1"]) == 0
    assert "nowhere more than 1" in capsys.readouterr().out


def test_json(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "demo", "ab", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["first_beyond"] == said["worst"] == "logits" and said["max_abs"] == 3e-4
    assert [stage["layer"] for stage in said["stages"]] == [None, 0, None]
    assert TwinReport.from_dict(said) == REPORT


@pytest.mark.parametrize(
    ("argv", "title"),
    [
        (("demo",), "llm-lab twin needs TEXT, and none came"),
        (("demo", ""), "a text was expected, and none came"),
        (("demo", "x", "--threshold", "much"), "--threshold must be a number, got 'much'"),
        (("demo", "x", "--threshold", "-1"), "the threshold must be 0 or more, and finite, got -1.0"),
        (("demo", "x", "--treshold", "1"), "llm-lab twin has no option --treshold (did you mean --threshold?)"),
    ],
)
def test_bad_input(argv: tuple[str, ...], title: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", *argv]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.splitlines()[0] == title and len(said.err.splitlines()) == 2
