"""Escape sequences in texts, samples, tokens, names, tags, logs and errors never reach the terminal."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_world import MARKS, STEER, World, build, steering
from hypothesis import given
from hypothesis import strategies as st
from terminals import lab, on_terminal, open_terminal

from core.visible import visible, without_steering

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX, and names that hold anything")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all tests, which only read it."""
    root = tmp_path_factory.mktemp("stranger")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("cache", "runs", "state"):
            patch.setenv(f"LLM_LAB_{name.upper()}", str(root / name))
        yield build(root / "theirs", root / "runs")


class Screen:
    """A terminal under standard output and error of this very process: what the commands say on it."""

    def __init__(self) -> None:
        self._leader, self._follower = open_terminal()

    def run(self, *words: object) -> bytes:
        from lab.__main__ import main

        seen = bytearray()

        def drain() -> None:
            while not seen.endswith(b"\x1e"):
                seen.extend(os.read(self._leader, 65536))

        reader = threading.Thread(target=drain)
        reader.start()
        try:
            with (
                os.fdopen(os.dup(self._follower), "w", encoding="utf-8", newline="") as stream,
                pytest.MonkeyPatch.context() as patch,
            ):
                patch.setattr(sys, "stdout", stream)
                patch.setattr(sys, "stderr", stream)
                main([str(word) for word in words])
                stream.flush()
        finally:
            os.write(self._follower, b"\x1e")  # no program of ours sends it
            reader.join()
        return bytes(seen[:-1])

    def close(self) -> None:
        os.close(self._leader)
        os.close(self._follower)


@pytest.fixture
def screen(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setenv("LLM_LAB_RUNS", str(world.run.parent))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "400")
    found = Screen()
    yield found
    found.close()


POINTER = re.compile(rb"\x1b\]22;\w*(\x07|\x1b\\)")  # the toolkit chooses the mouse's pointer
HOME = b"\x1b[1;1H"  # at the end of a whole picture
STATIONS = (
    (b"v", b"PWNED"),
    (b"v", b"PWNED"),
    (b"1", b"Find"),
    (b"5", b"temperature"),
    (b"3", HOME),
    (b"6", b"h.0"),
    (b"4", b"stopped"),
    (b"w", b"workbench"),
)
"""Keys, and what is drawn then."""
COMMANDS = (
    "runs",
    "runs --dir NOWHERE",
    "watch RUN --inline",
    "watch RUN --json",
    "watch FOREIGN --inline",
    "watch FOREIGN --json",
    "watch CORPUS",
    "tokenize RUN CORPUS",
    "tokenize RUN --decode 0,1,2,3,4,5,6,7,8,9,10,11,12",
    "tokenize RUN --find STEER",
    "tokenize gpt2-STEER text",
    "windows CORPUS --tokenizer char",
    "generate RUN --prompt STEER --max-new-tokens 40 --temperature 2 --seed 1",
    "generate RUN --prompt the --max-new-tokens 40 --json",
    "generate RUN --prompt the --beams 2 --max-new-tokens 8",
    "generate RUN --prompt 日本",
    "score RUN CORPUS",
    "attention RUN STEER",
    "lens RUN STEER",
    "ablate RUN STEER --sweep",
    "weights RUN",
    "weights STEER",
    "compare RUN RUN",
    "convert RUN CORPUS",
    "pause RUN",
    "pause STEER",
    "train --corpus STEER",
    "train --STEER",
    "train --resume COPY --max-steps 8 --sample-interval 2",
    "STEER",
    "vectors VECTORS neighbours w1STEER",
    "vectors VECTORS list",
    "vectors VECTORS map",
    "heads RUN",
    "pull STEER",
    "open STEER",
    "train-tokenizer CORPUS --vocab-size 260",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_but_our_own_drawing_comes_from_a_command(
    world: World, screen: Screen, command: str, tmp_path: Path
) -> None:
    if "COPY" in command:
        shutil.copytree(world.run, tmp_path / world.run.name)
    stands_for = {
        "RUN": str(world.run.name),
        "COPY": str(tmp_path / world.run.name),
        "FOREIGN": str(world.foreign),
        "CORPUS": str(world.corpus),
        "VECTORS": str(world.vectors),
        "NOWHERE": f"/nowhere/{STEER}",
    }
    words = [stands_for.get(word, word.replace("STEER", STEER)) for word in shlex.split(command)]
    drawn = screen.run(*words)
    assert drawn.strip()
    assert not steering(drawn), steering(drawn)


def test_the_same_by_a_real_process(world: World) -> None:
    command = lab("watch", world.run, "--inline")
    with on_terminal(command, LLM_LAB_RUNS=str(world.run.parent)) as terminal:
        drawn = terminal.read_to_end()
    assert b"PWNED" in drawn
    assert not steering(drawn), steering(drawn)


def test_the_app_draws_the_strangers_run_and_is_not_steered(world: World) -> None:
    """All six screens, the picker and the jobs, as bytes on a real terminal."""
    command = lab("open", "training", "--fresh", "--model", world.run.name)
    with on_terminal(command, columns=140, LLM_LAB_RUNS=str(world.run.parent)) as app:
        app.wait_for(b"stopped 4")  # the run in the list
        for keys, word in STATIONS:
            before = len(app.seen)
            app.type(keys)
            app.wait_for(word, after=before)
        app.type(b"\x11")
        drawn = POINTER.sub(b"", app.read_to_end())
    assert app.process.returncode == 0, drawn[-600:]
    assert b"Traceback" not in drawn
    for mark in MARKS:
        assert mark not in drawn, drawn[max(0, drawn.find(mark) - 200) :][:300]
    assert not re.search(rb"\xc2[\x80-\x9f]|\x1b[(]0", drawn)
    assert b"[@click=app.quit_lab]" in drawn, "markup of a stranger is a text like any other"


@given(st.text(alphabet=st.characters(codec=None)))
def test_what_is_shown_steers_nothing(text: str) -> None:
    shown, bare = visible(text), without_steering(text)
    for made in (shown, bare):
        assert not steering(made.encode("utf-8", "surrogatepass"))
    assert len(shown) == len(text)
    assert re.sub(r"[\n\t]", "", without_steering(shown)) == without_steering(shown)
    if text.isprintable():
        assert shown == bare == text
