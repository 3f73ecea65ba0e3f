"""The wheel, installed where the checkout cannot be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
from terminals import on_screen

CHECKOUT = Path(__file__).parents[2]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.\n" * 40


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(CHECKOUT)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment with the wheel; its dependencies are those of this environment."""
    root = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(root, with_pip=False)
    python = root / SCRIPTS / "python"
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (packages,) = root.rglob("site-packages")
    # A path in a .pth is searched after the environment's own packages, and its own .pth files (the editable checkout)
    # are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return root / SCRIPTS


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path


def surroundings(cwd: Path) -> dict[str, str]:
    """This process's environment without what could lead to the checkout, and with folders of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LLM_LAB", "VIRTUAL_ENV"))}
    return env | {f"LLM_LAB_{name}": str(cwd / name.lower()) for name in ("RUNS", "CACHE", "STATE")}


def run(program: Path, *words: str, cwd: Path) -> str:
    env = surroundings(cwd)
    done = subprocess.run([program, *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_holds_the_packages_and_assets_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"core", "screens", "lab"}
    shipped = {str(p.relative_to(CHECKOUT / "assets")) for p in (CHECKOUT / "assets").rglob("*") if p.is_file()}
    assert shipped
    assert {n.removeprefix("core/_assets/") for n in names if n.startswith("core/_assets/")} == {
        name.replace(os.sep, "/") for name in shipped
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_is_not_the_checkout(installed, elsewhere):
    code = "import core, lab, screens; print(core.__file__, lab.__file__, screens.__file__)"
    for path in run(installed / "python", "-c", code, cwd=elsewhere).split():
        assert Path(path).is_relative_to(installed.parent)


def test_version_and_help(installed, elsewhere):
    assert run(installed / "llm-lab", "--version", cwd=elsewhere).startswith("llm-lab ")
    assert "Usage: llm-lab" in run(installed / "python", "-m", "lab", "--help", cwd=elsewhere)


def test_every_asset_is_found(installed, elsewhere):
    code = """
import json
from core.folders import asset
from core.vectors.sources import load_vectors
from screens.widgets.lesson import LESSONS, template_of
print(json.dumps({
    "style": str(asset("lab.tcss")),
    "lessons": {info.id: template_of(info.id) for info in LESSONS},
    "queen": [found.word for found in load_vectors("demo").neighbours("queen", 3)],
}))
"""
    found = json.loads(run(installed / "python", "-c", code, cwd=elsewhere))
    path = Path(found["style"])
    assert path.is_relative_to(installed.parent)
    assert path.read_bytes() == (CHECKOUT / "assets" / "lab.tcss").read_bytes()
    assert len(found["lessons"]) == 8 and not any("comes with its screen" in text for text in found["lessons"].values())
    assert len(found["queen"]) == 3


def test_the_model_that_ships_answers(installed, elsewhere):
    words = ["generate", "demo", "-p", "The for statement", "--max-new-tokens", "5", "--preset", "greedy", "--json"]
    steps = [json.loads(line) for line in run(installed / "llm-lab", *words, cwd=elsewhere).splitlines()]
    assert len(steps) == 5 and all(step["logprob"] <= 0 for step in steps)


def test_doctor(installed, elsewhere):
    found = json.loads(run(installed / "llm-lab", "doctor", "--json", cwd=elsewhere))
    assert found["problems"] == []
    assert found["torch"]["flops"]["float32"] > 0


def test_a_model_is_trained_and_opened(installed, elsewhere):
    words = "train --corpus text.txt --max-steps 5 --n-layers 1 --n-heads 2 --emb-dim 16 --context-length 16 --json"
    events = [json.loads(line) for line in run(installed / "llm-lab", *words.split(), cwd=elsewhere).splitlines()]
    assert events[-1]["kind"] == "end"
    assert events[-1]["reason"] == "finished"
    name = events[0]["name"]
    code = f"import core; print(core.load_model('{name}@best').model.config.emb_dim)"
    assert run(installed / "python", "-c", code, cwd=elsewhere).strip() == "16"


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_the_app_opens_with_the_run_and_the_lesson_that_ship(installed, elsewhere):
    def start(env: dict[str, str], **streams: Any) -> subprocess.Popen[bytes]:
        words = [installed / "llm-lab", "lesson", "5", "--fresh"]
        return subprocess.Popen(words, cwd=elsewhere, env=surroundings(elsewhere) | env, **streams)

    code, seen = on_screen(start, until=b"closes")
    assert code == 0
    assert b"L5" in seen and b"demo" in seen and b"Traceback" not in seen
