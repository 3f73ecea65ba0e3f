"""What a path holds: a run of another program, several of them, or none."""

from __future__ import annotations

from pathlib import Path

from core.errors import RunError
from core.files import open_plain
from core.training.foreign.facts import plain
from core.training.foreign.huggingface import STATE, TrainerState, read_state, state_files
from core.training.foreign.nanogpt import LOOK, ConsoleLog, looks_like
from core.training.foreign.run import ForeignRun, Source
from core.training.foreign.tensorboard import EventFiles, event_files, is_event_file, parts_of
from core.training.foreign.tfrecord import HEADER, length_crc
from core.training.run import is_run

LOGS = (".log", ".txt", ".out")
_MOST = 200
KNOWN = "TensorBoard's event files, the Trainer's trainer_state.json, or a log of nanoGPT's"


def open_foreign(path: str | Path) -> ForeignRun:
    """Opens a run of another program: a TensorBoard folder or event file, ``trainer_state.json`` or the Trainer's
    output folder, a file with what nanoGPT printed or the folder that holds it.

    Raises:
        RunError: it is none of these; the title says what was expected and what is there.
    """
    given = Path(path).expanduser()
    try:
        found = find_source(given)
        if found is not None:
            return ForeignRun(found)
        inside = find_runs(given) if given.is_dir() else []
        if len(inside) == 1:  # runs/NAME, lightning_logs/version_0
            return open_foreign(inside[0])
        if not given.exists():
            raise RunError(f"there is no {plain(str(given), 1000)}", "look at the path")
        raise _none(given)
    except (OSError, ValueError) as error:  # a name too long or with a zero byte, no permission
        said = getattr(error, "strerror", None) or error
        raise RunError(f"{plain(str(path), 1000)} cannot be looked at: {said}", "look at the path") from error


def find_source(path: Path) -> Source | None:
    """The run in a file or folder; None if there is none, or if there are several."""
    if path.is_file():
        return _of_file(path)
    if not path.is_dir():
        return None
    if state_files(path):
        return TrainerState(path)
    if event_files(path) or parts_of(path):
        return EventFiles(path)
    logs = _logs(path)
    return ConsoleLog(logs[0]) if len(logs) == 1 else None


def is_foreign(path: Path) -> bool:
    """Whether a path is one run of another program, also one that is damaged."""
    try:
        return find_source(path) is not None
    except RunError:
        return True
    except (OSError, ValueError):
        return False


def find_runs(folder: Path) -> list[Path]:
    """The foreign runs that lie in a folder, one level down."""
    try:
        inside = sorted(folder.iterdir())[:_MOST]
    except OSError:
        return []
    found = [p for p in inside if not p.name.startswith(".") and p.is_dir() and not is_run(p) and is_foreign(p)]
    logs = _logs(folder)
    return [*found, *logs] if len(logs) > 1 else found


def _of_file(path: Path) -> Source | None:
    if path.name == STATE:
        if read_state(path) is None:
            raise RunError(
                f"{plain(str(path), 1000)} is no state of the Trainer: JSON with a list log_history was expected",
                "if it is being written, try again in a moment",
            )
        return TrainerState(path)
    with open_plain(path) as file:
        head = file.read(LOOK)
    if is_event_file(path.name) or _begins_with_record(head):
        if head and len(head) >= HEADER and not _begins_with_record(head):
            raise RunError(
                f"{plain(str(path), 1000)} has the name of an event file and does not begin with a record",
                "copy it again from where it was made",
            )
        return EventFiles(path)
    return ConsoleLog(path) if looks_like(head) else None


def _begins_with_record(head: bytes) -> bool:
    return len(head) >= HEADER and length_crc(head[:8]) == int.from_bytes(head[8:HEADER], "little")


def _logs(folder: Path) -> list[Path]:
    """The files of a folder that nanoGPT printed."""
    found = []
    for path in sorted(folder.iterdir())[:_MOST]:
        if path.suffix in LOGS and path.is_file():
            with open_plain(path) as file:
                if looks_like(file.read(LOOK)):
                    found.append(path)
    return found


def _none(path: Path) -> RunError:
    shown = plain(str(path), 1000)
    if path.is_file():
        what = "it is empty" if path.stat().st_size == 0 else "it is none of these"
        return RunError(f"{shown}: {KNOWN} were expected, and {what}", "llm-lab runs lists the runs of the lab")
    inside = find_runs(path)
    if inside:
        names = ", ".join(plain(p.name) for p in inside[:5])
        return RunError(
            f"{shown} holds {len(inside)} runs, and one was expected: {names}{' …' if len(inside) > 5 else ''}",
            f"name one: llm-lab watch {plain(str(inside[-1]), 1000)}",
        )
    return RunError(f"{shown} is not a run: run.json, {KNOWN} were expected", "llm-lab runs lists the runs of the lab")
