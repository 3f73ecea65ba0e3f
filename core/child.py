"""Work that must not be done in this process is done in another: TensorFlow, and what can only be stopped by ending it.

Orders go in as one line of JSON on standard input, answers come out as lines on standard output, and everything else
that is said goes into a file, whose last line tells of a sudden end. Standard input stays open, so that the child hears
when whoever asked is gone. Both ends stand here: ``at_work`` for the process that asks, ``work_off`` for the module
that works.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from core import errors
from core.errors import LabError

Say = Callable[[Mapping[str, Any]], None]
"""What a module that works says its answers with: a JSON object each."""


class Child:
    """A process at work, as ``at_work`` starts it."""

    def __init__(self, process: subprocess.Popen[str], chatter: IO[bytes]) -> None:
        self._process = process
        self._chatter = chatter

    def lines(self) -> Iterator[str]:
        """What it writes on standard output, until it ends."""
        assert self._process.stdout
        # `yield from` would close the stream when somebody stops listening.
        for line in self._process.stdout:  # noqa: UP028
            yield line

    def answers(self) -> Iterator[dict[str, Any]]:
        """What it says, until it ends; what it was saying when it was killed is left out.

        Raises:
            LabError: it said one: the same, of the same class.
        """
        for line in self.lines():
            if not line.endswith("\n"):
                return
            said = json.loads(line)
            if "error" in said:
                kind = getattr(errors, str(said.get("kind")), LabError)
                raise kind(said["error"]["title"], said["error"]["hint"])
            yield said

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        return self._process.wait()

    def last_words(self) -> str:
        """The last line of what it said beside its answers, for the error that tells of its end."""
        self._chatter.seek(0)
        lines = self._chatter.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


@contextmanager
def at_work(
    module: str, orders: Mapping[str, Any], cancelled: threading.Event, settings: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Has a module of ours work in a process of its own, which is gone when the block is left.

    Args:
        module: what ``python -m`` runs; its ``main`` calls ``work_off``, or reads with ``take_orders`` itself.
        orders: what it gets to read, plain JSON values.
        cancelled: set it, and the process is killed within a tenth of a second; its answers end there.
        settings: added to its environment.
    """
    with tempfile.TemporaryFile() as chatter:
        process = subprocess.Popen(
            [sys.executable, "-P", "-u", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=chatter,
            text=True,
            encoding="utf-8",
            env={**child_environment(), **(settings or {})},
        )
        assert process.stdin and process.stdout
        watch = threading.Thread(target=_kill_when, args=(cancelled, process), daemon=True)
        watch.start()
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(orders) + "\n")
                process.stdin.flush()
            yield Child(process, chatter)
        finally:
            process.kill()
            process.wait()
            with suppress(BrokenPipeError):  # of orders that it did not read to their end
                process.stdin.close()
            process.stdout.close()
            watch.join()


def _kill_when(cancelled: threading.Event, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        if cancelled.wait(0.1):
            process.kill()
            return


def work_off(work: Callable[[dict[str, Any], Say], None]) -> int:
    """Does the work that standard input asks for, and returns the exit code.

    Args:
        work: gets the orders, and what to say its answers with. A ``LabError`` is said, too; that whoever asked is gone
            is a ``BrokenPipeError``, which it may let pass.
    """
    orders = take_orders()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what libraries print must not get among the answers

    def say(what: Mapping[str, Any]) -> None:
        answers.write(json.dumps(what) + "\n")

    try:
        work(orders, say)
    except LabError as error:
        with suppress(BrokenPipeError):
            say({"error": error.to_dict(), "kind": type(error).__name__})
        return 1
    except BrokenPipeError:
        return 1
    return 0


def take_orders() -> dict[str, Any]:
    """The orders of this process, which from now on ends when whoever gave them is gone, killed or not."""
    orders: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_when_alone, daemon=True).start()
    return orders


def _end_when_alone() -> None:
    # Not through sys.stdin: Python could not end while a thread waits in it.
    while os.read(0, 1):
        pass
    os._exit(1)


def child_environment() -> dict[str, str]:
    """The environment of a process that imports this very ``core``, from a checkout or installed."""
    env = dict(os.environ)
    home = Path(__file__).resolve().parents[1]
    if home.name not in ("site-packages", "dist-packages"):  # a checkout that may not be installed
        env["PYTHONPATH"] = os.pathsep.join([str(home), *filter(None, [env.get("PYTHONPATH")])])
    return env
