"""CONTRIBUTING.md does what it says: its tokenizer, sampler and screen, as they stand there, in a copy of the tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (A new \w+)\n(.*?)(?=^## )", PAGE, re.M | re.S))
BLOCK = re.compile(r"```(python|diff)\n(.*?)```", re.S)
TEXT = "naïve 🎉"


def files(section: str) -> dict[str, str]:
    """The files of a section, by their paths."""
    made = [code.partition("\n") for kind, code in BLOCK.findall(section) if kind == "python"]
    return {path.removeprefix("# "): code for path, _, code in made}


def registration(section: str) -> tuple[str, str, str]:
    """The file that has the register, the lines that it has, and those with the new one."""
    (diff,) = [code for kind, code in BLOCK.findall(section) if kind == "diff"]
    path, *lines = diff.splitlines()
    assert all(line[0] in " +" for line in lines)
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] == " ")
    return path.removeprefix("--- "), before, "".join(f"{line[1:]}\n" for line in lines)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages with the three added."""
    root = tmp_path_factory.mktemp("contributed")
    for package in ("core", "screens", "lab"):
        shutil.copytree(CHECKOUT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "assets", root / "assets", copy_function=_link)
    shutil.copy(CHECKOUT / "pyproject.toml", root)
    for section in SECTIONS.values():
        for path, code in files(section).items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(code, encoding="utf-8")
        path, before, after = registration(section)
        text = (root / path).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{path} has other lines now than CONTRIBUTING.md says"
        (root / path).write_text(text.replace(before, after), encoding="utf-8")
    return root


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy(source, target)


@pytest.fixture
def run(tree: Path, isolated: Path) -> Any:
    """Runs Python where the changed packages are found and the checkout's are not."""

    def run(*words: str, code: int = 0) -> str:
        env = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
        how: Any = {"cwd": isolated, "env": env, "capture_output": True, "encoding": "utf-8", "timeout": 300}
        done = subprocess.run([sys.executable, *words], **how)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("title", ["A new tokenizer", "A new sampler", "A new screen"])
def test_it_is_short(title):
    section = SECTIONS[title]
    _, before, after = registration(section)
    code = "".join(files(section).values()).splitlines() + after.splitlines()[len(before.splitlines()) :]
    written = [line for line in code if line.strip()]
    assert 5 < len(written) < 50
    assert len(files(section)) == 1
    assert max(map(len, written)) <= 120


def test_it_passes_the_checks(tree):
    made = [path for section in SECTIONS.values() for path in (*files(section), registration(section)[0])]
    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *words, *made], cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_tokenizer_is_held_to_what_holds_for_all(tree, run):
    """The tests of every kind of tokenizer take it up by themselves."""
    tests = tree / "tests"
    (tests / "core").mkdir(parents=True)
    shutil.copy(CHECKOUT / "tests" / "conftest.py", tests)
    shutil.copy(CHECKOUT / "tests" / "core" / "tokenizers" / "test_every_kind.py", tests / "core")
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests / "core"), "-k", "byt5", f"--rootdir={tree}")
    assert re.search(r"\b([6-9]|\d\d) passed", said) and "failed" not in said, said


def test_the_tokenizer_by_name_and_by_command(run):
    code = f"""
import core
t = core.get_tokenizer("byt5")
print(core.__file__, t.encode({TEXT!r}), t.encode("a</s>", allowed_special="all"), repr(t.decode(t.encode({TEXT!r}))))
"""
    expected = [byte + 3 for byte in TEXT.encode()]  # transformers' ByT5Tokenizer: parity by its definition
    said = run("-c", code)
    assert "contributed" in said.split()[0]
    assert said.strip().endswith(f"{expected} [100, 1] {TEXT!r}")
    found = json.loads(run("-m", "lab", "tokenize", "byt5", TEXT, "--json"))
    assert found["ids"] == expected and found["vocab_size"] == 259
    assert "byt5" in run("-m", "lab", "tokenize", "--list")


def test_the_sampler_by_command(run):
    words = ["-m", "lab", "generate", "demo", "-p", "The for", "--max-new-tokens", "4", "--temperature", "1", "--json"]
    steps = [json.loads(line) for line in run(*words, "--top-n-sigma", "0").splitlines()]
    assert [step["kept"] for step in steps] == [{"top_n_sigma": 1}] * 4, "nothing but the likeliest"
    said = run("-m", "lab", "generate", "demo", "--top-n-sigma", "-1", code=2)
    assert said.startswith("top_n_sigma must be at least 0, got -1")
    assert "--top-n-sigma" in run("-m", "lab", "generate", "--help")


def test_all_three_where_a_person_looks(run):
    found = json.loads(run(str(Path(__file__).with_name("contributed.py"))).splitlines()[-1])
    assert "contributed" in found["core"] and found["survived"] == []
    tokenizer, sampler, screen = found["tokenizer"], found["sampler"], found["screen"]
    assert "byt5" in tokenizer["listed"]
    assert (tokenizer["tokens"], tokenizer["vocab_size"]) == (tokenizer["bytes"], 259)
    assert sampler["row"].startswith("top-n-sigma 0.5") and "keeps" in sampler["row"]
    assert len(sampler["ids"]) == len(sampler["kept"]) == 6
    printed = run("-c", sampler["python"]).splitlines()
    assert [int(line.split()[0]) for line in printed] == sampler["ids"]
    assert "--top-n-sigma 0.5 " in sampler["command"]
    assert "7 Corpora" in screen["shown"] and "python-docs" in screen["shown"]
    assert f"{screen['data']['python-docs']:,}" in screen["shown"]


def test_the_screen_is_named_by_the_command_line(run):
    said = run("-m", "lab", "open", "nowhere", code=2)
    assert "7 corpora" in said
    assert "weights or corpora, or 1 to 7" in " ".join(run("-m", "lab", "open", "--help").split())
