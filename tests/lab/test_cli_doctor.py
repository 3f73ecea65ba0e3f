"""``llm-lab doctor``."""

from __future__ import annotations

import sys

import pytest

import core


@pytest.fixture(autouse=True)
def _offline_texts(llm_lab):
    folder = llm_lab.root / "cache" / "corpora"
    folder.mkdir(parents=True)
    (folder / "the-verdict.txt").write_text("I had always thought", encoding="utf-8")


def test_json(llm_lab):
    said = llm_lab("doctor", "--json")
    assert (said.code, said.err) == (0, "")
    found = said.json
    assert found["llm-lab"]["version"] == core.__version__
    assert found["llm-lab"]["executable"] == sys.executable
    assert found["machine"]["threads"] >= 1
    assert found["torch"]["devices"][0] == "cpu"
    assert found["torch"]["flops"]["float32"] > 1e8
    assert found["torch"]["memory_rate"] > 1e8
    assert found["cache"]["corpora"] == {"python-docs": True, "tiny-shakespeare": False, "the-verdict": True}
    there = {name for name, here in found["cache"]["tokenizers"].items() if here}
    assert there == {"words-v1", "words-v2", "char", "byte"}
    assert found["cache"]["tokenizers"]["gpt2"] is False
    assert found["runs"]["path"] == str(llm_lab.runs)
    assert found["extras"]["dev"] is True
    assert found["problems"] == []


def test_text(llm_lab):
    said = llm_lab("doctor", "--quick")
    assert (said.code, said.err) == (0, "")
    rows = {line[:18].strip(): line[18:] for line in said.out.splitlines()}
    assert "the-verdict" in rows["here"]
    assert "tiny-shakespeare" in rows["to be fetched"]
    assert rows["terminal"].startswith("none")
    assert rows["verdict"].startswith("ready")


def test_nothing_is_made_by_looking(llm_lab):
    llm_lab("doctor", "--quick")
    assert not llm_lab.runs.exists()
    assert not llm_lab.state.exists()


def test_a_runs_folder_that_cannot_be_is_a_problem(llm_lab, monkeypatch):
    (llm_lab.root / "file").write_text("not a folder")
    monkeypatch.setenv("LLM_LAB_RUNS", str(llm_lab.root / "file" / "runs"))
    said = llm_lab("doctor", "--quick")
    assert said.code == 1
    assert "PROBLEM" in said.out
    assert "LLM_LAB_RUNS" in said.out


def test_a_folder_without_a_file_is_not_a_model(llm_lab):
    (llm_lab.root / "cache" / "models" / "gpt2").mkdir(parents=True)
    mine = llm_lab.root / "cache" / "models" / "mine"
    mine.mkdir()
    (mine / "model.safetensors").write_bytes(b"something")
    assert llm_lab("doctor", "--quick", "--json").json["cache"]["models"] == ["mine"]
