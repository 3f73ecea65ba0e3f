"""What each entry point loads, seen from a fresh interpreter: a contract cannot see an import inside a function."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "tensorflow", "keras", "gensim", "transformers", "matplotlib", "sklearn")
REPORT = "import json, sys; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})), file=sys.stderr)"


def loaded(code: str) -> set[str]:
    """The top-level modules that are loaded after ``code`` ran in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def command(*argv: str) -> str:
    return f"from lab.__main__ import main\nassert main({list(argv)!r}) == 0"


def test_import_core_loads_next_to_nothing():
    found = loaded("import core")
    assert found.isdisjoint({*HEAVY, "numpy", "textual", "rich", "cyclopts"})


def test_help_needs_only_the_standard_library():
    found = loaded(command("--help"))
    assert found.isdisjoint({*HEAVY, "numpy", "textual", "rich", "cyclopts"})


@pytest.mark.parametrize(
    "name",
    ["open", "train", "watch", "runs", "pause", "delete", "doctor", "attention", "heads", "lens", "ablate", "twin"],
)
def test_help_of_a_command_loads_nothing_heavy(name):
    assert loaded(command(name, "--help")).isdisjoint({*HEAVY, "textual"})


def test_runs_loads_no_torch(tmp_path):
    assert loaded(command("runs", "--dir", str(tmp_path))).isdisjoint(HEAVY)


def test_what_the_app_knows_of_the_twin_loads_neither_framework():
    code = "import core.keras_twin.compare, core.keras_twin.report, core.training.backend, screens.weights.screen"
    assert loaded(code).isdisjoint(HEAVY)


def test_the_configurations_load_no_torch():
    assert loaded("import core; core.TrainConfig.preset('shakespeare-1min')").isdisjoint({*HEAVY, "numpy"})


def test_the_first_paint_loads_nothing_heavy(tmp_path):
    code = f"""
import asyncio, os
os.environ.update(LLM_LAB_STATE={str(tmp_path / "state")!r}, LLM_LAB_RUNS={str(tmp_path / "runs")!r})
import lab.app
seen = []
class Probe(lab.app.LabApp):
    def on_ready(self):
        import sys
        seen.append({{m.partition('.')[0] for m in sys.modules}})
async def main():
    app = Probe()
    async with app.run_test(size=(120, 36)) as pilot:
        while not seen:
            await pilot.pause()
asyncio.run(main())
import json, sys
print(json.dumps(sorted(seen[0])), file=sys.stderr)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = set(json.loads(done.stderr.splitlines()[-1]))
    assert "textual" in found
    assert found.isdisjoint({*HEAVY, "cyclopts"})
