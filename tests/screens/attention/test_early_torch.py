"""Torch's library is mapped before torch is imported, without Python's lock; nothing else depends on it."""

import subprocess
import sys
from pathlib import Path

import pytest

from screens.attention.early import NAMES, map_library

MAPPED = """
import sys, threading, time
from screens.attention.early import NAMES, map_library

beats, over = [], threading.Event()

def beat():
    while not over.wait(0.001):
        beats.append(1)

thread = threading.Thread(target=beat)
thread.start()
assert map_library(), "could not be mapped"
assert len(beats) > 1, f"another thread was stopped meanwhile: {len(beats)} turns"
over.set()
thread.join()
assert "torch" not in sys.modules, "torch itself may wait"
assert NAMES[sys.platform] in open("/proc/self/maps").read()
import torch
assert float((torch.ones(3, 3) @ torch.ones(3, 3)).sum()) == 27
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is mapped is read off /proc")
def test_the_library_is_mapped_while_other_threads_go_on_and_torch_then_works():
    subprocess.run([sys.executable, "-c", MAPPED], check=True)


def test_a_torch_made_in_another_way_is_left_to_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert not map_library(tmp_path), "no such file"
    (tmp_path / "lib").mkdir()
    for name in NAMES.values():
        (tmp_path / "lib" / name).write_bytes(b"not a library")
    assert not map_library(tmp_path), "the system refused it"
    monkeypatch.setattr(sys, "platform", "win32")
    assert not map_library(), "a system that is not known"


def test_opening_the_screen_prepares_and_imports_torch_once():
    code = (
        "import sys, threading\n"
        "from screens.attention import early\n"
        "early.prepare(); first = early._mapping; early.prepare(); early.begin()\n"
        "assert early._mapping is first\n"
        "[t.join() for t in threading.enumerate() if t.name == 'import torch']\n"
        "assert 'core.model.trace' in sys.modules and 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
