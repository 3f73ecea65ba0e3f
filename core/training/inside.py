"""What a run writes lies in its own folder: a link in it that leads elsewhere is not written through, nor a pipe.

A run may come from a stranger. Were its ``metrics.jsonl`` a link to somebody's file, going on with it would append to
that file; were its ``checkpoints`` one to another run's, pruning would remove that run's weights. Reading follows
links, and the run's folder itself may be one.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import RunError

WRITTEN = (
    *("run.json", "metrics.jsonl", "control.jsonl", "status.json", "lock", "launch.json", "trainer.log"),
    *("tokenizer.json", "checkpoints", "snapshots", "set-aside", "tensorboard"),
)
"""All that a run's writers write to by name."""

_NEEDED = ("run.json", "metrics.jsonl", "tokenizer.json", "checkpoints")


def check_inside(run_dir: Path, *names: str) -> None:
    """Refuses a run in which something that is to be written is a link out of its folder.

    Args:
        run_dir: the run directory.
        names: what is to be written; left out, everything.

    Raises:
        RunError: names the link, and where it leads; or what is no file.
    """
    home = Path(os.path.realpath(run_dir))
    for name in names or WRITTEN:
        path = run_dir / name
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(home):
            raise RunError(
                f"{name} of the run {run_dir.name} is a link that leads out of it, to {path.readlink()}: "
                "nothing is written there",
                f"to keep that content, copy the run: cp -rL {run_dir} COPY",
            )
        if path.exists() and not path.is_file() and not path.is_dir():
            raise RunError(
                f"{name} of the run {run_dir.name} is a pipe or a device, an ordinary file was expected",
                "remove it; the run does not need it" if name not in _NEEDED else "copy the run again",
            )
