"""A command line with folders of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out.splitlines()[-1])

    @property
    def error(self) -> dict[str, str]:
        """The two lines on stderr as title and hint; anything more, or on stdout, is a failure."""
        assert not self.out, self.out
        title, hint = self.err.splitlines()
        return {"title": title, "hint": hint}


class CommandLine:
    """Runs ``llm-lab`` in this process, or in one of its own where signals and pipes matter."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.runs = root / "runs"
        self.state = root / "state"
        self._capsys = capsys
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *argv: object) -> Said:
        from lab.__main__ import main

        self._capsys.readouterr()
        code = main([str(word) for word in argv])
        out, err = self._capsys.readouterr()
        return Said(code, out, err)

    def start(self, *argv: object, **options: Any) -> subprocess.Popen[str]:
        """A process of its own; the caller waits for it."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        words = [sys.executable, "-m", "lab", *map(str, argv)]
        env = {**os.environ, **options.pop("env", {})}
        self._started.append(subprocess.Popen(words, env=env, **{**streams, **options}))
        return self._started[-1]

    def close(self) -> None:
        """Ends what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@pytest.fixture
def llm_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """``llm_lab("train", "--json")`` with runs, state and cache under ``tmp_path``, seen from an empty folder."""
    monkeypatch.setenv("LLM_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("LLM_LAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LLM_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("LLM_LAB_DEBUG", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    commands = CommandLine(tmp_path, capsys)
    before = dict(os.environ)
    yield commands
    commands.close()
    for name in os.environ.keys() - before.keys():  # what a run in this process has set for its threads
        del os.environ[name]
