"""The README's blocks do what they say: they run as they stand, in one folder, one after the other.

Changed for speed, and nothing else: the numbers in ``SHORTER``, each of which must occur exactly once. A block that
cannot run here says so, with its reason, in a comment before it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"(?:<!-- not run by the test: (?P<why>.+?) -->\s*)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.M | re.S
)
SHORTER = {
    "1min --name first": "1min --name first --max-steps 6 --eval-interval 3 --eval-batches 2",
    "--max-steps 200 --eval-interval 100": "--max-steps 4 --eval-interval 2 --eval-batches 2",
    "--max-steps 40 --eval-interval 20": "--max-steps 4 --eval-interval 2 --eval-batches 2 --n-layers 1",
    "max_steps=300, eval_interval=100": "max_steps=4, eval_interval=2, eval_batches=2",
}
FEW_MORE = 3
"""Steps that ``train --resume second`` is given, instead of all that are left of its minute."""


def blocks(kind: str) -> list[str]:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    return [m["code"] for m in BLOCK.finditer(readme) if m["kind"] == kind and not m["why"]]


def shorter(code: str, used: set[str]) -> str:
    for long, short in SHORTER.items():
        if long in code:
            assert long not in used, f"{long!r} stands more than once in the README"
            used.add(long)
            code = code.replace(long, short)
    return code


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``llm-lab`` is a command and tiny-shakespeare need not be fetched: another text stands in."""
    from pydoc_data.topics import topics

    root = tmp_path_factory.mktemp("readme")
    shim = root / "bin" / "llm-lab"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m lab "$@"\n')
    shim.chmod(0o755)
    (root / "cache" / "corpora").mkdir(parents=True)
    (root / "cache" / "corpora" / "tiny-shakespeare.txt").write_text("\n".join(topics.values()), encoding="utf-8")
    return root


@pytest.fixture
def run(desk: Path) -> Callable[..., str]:
    env = {k: v for k, v in os.environ.items() if k != "LLM_LAB_RUNS"}
    env |= {
        "PATH": os.pathsep.join([str(desk / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(CHECKOUT),
        "LLM_LAB_CACHE": str(desk / "cache"),
        "LLM_LAB_STATE": str(desk / "state"),
    }

    def go(*words: str) -> str:
        done = subprocess.run(words, cwd=desk, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return go


@pytest.mark.skipif(os.name == "nt", reason="the blocks are for a POSIX shell")
def test_the_shell_blocks_run(run):
    used: set[str] = set()
    said = ""
    codes = blocks("sh")
    assert len(codes) >= 4
    for code in codes:
        if "train --resume second" in code:
            known = {r["name"]: r for r in json.loads(run("llm-lab", "runs", "--json"))["runs"]}
            assert known["second"]["state"] == "stopped"
            more = known["second"]["step"] + FEW_MORE
            code = code.replace("train --resume second", f"train --resume second --max-steps {more}")
        said += run("sh", "-e", "-c", shorter(code, used))
    assert used == {long for long in SHORTER if "=" not in long}
    assert "finished first: 6 of 6 steps" in said
    assert said.count('"kind": "eval"') == 2
    assert "second paused at step" in said
    assert f"finished second: {more:,} of {more:,} steps" in said


def test_the_python_blocks_run(run):
    training, inside, words = blocks("python")
    used: set[str] = set()
    lines = run(sys.executable, "-c", shorter(training, used)).splitlines()
    assert used == {"max_steps=300, eval_interval=100"}
    assert [line.split()[0] for line in lines[:2]] == ["2", "4"]
    assert len(training.strip().splitlines()) <= 12
    lines = run(sys.executable, "-c", inside).splitlines()
    assert len(lines) >= 24, "twenty tokens, then a weight, a lens, a head and what is worst to lose"
    assert lines[0].count("(") == 3, "a token has three alternatives"
    assert lines[-2].startswith("(") and lines[-2].count(",") == 2
    assert len(lines[-1].split()) == 3
    analogy, attention = run(sys.executable, "-c", words).split("\n", 1)
    assert analogy.index("queen") < analogy.index("duchess") and attention.startswith("tensor([[1.0")


def test_every_other_block_says_why_it_is_not_run():
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert {m["kind"] for m in BLOCK.finditer(readme)} == {"sh", "python"}
    assert readme.count("```") == 2 * len(BLOCK.findall(readme))
    assert all(len(m["why"]) > 20 for m in BLOCK.finditer(readme) if m["why"])


def test_the_links_lead_somewhere():
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", readme):
        assert (CHECKOUT / target).exists(), target
