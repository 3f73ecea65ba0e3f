"""Real trainers in processes of their own, forked from one that has loaded torch: a life costs 0.3 s instead of 3."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.config import TrainConfig

PROGRAM = """
import json, os, sys
from pathlib import Path
import torch
from core.config import TrainConfig
from core.training import checkpoints, stored, torch_backend
from core.training.trainer import Trainer

torch.set_num_threads(1)
torch_backend.matmul_rate = lambda *what, **how: 1e11  # how fast this machine is says nothing here

def live(config, kill_at):
    run_dir = Path(config.run_dir)
    if kill_at:
        kill_in_checkpoint(run_dir, kill_at)
    resume = run_dir if stored.list_checkpoints(run_dir) else None
    if resume is None and run_dir.exists():
        import shutil
        shutil.rmtree(run_dir)
    for _ in Trainer(config, resume=resume).run():
        pass

def kill_in_checkpoint(run_dir, kill_at):
    # Counts what the trainer changes in the file system between the beginning of a checkpoint and the end of pruning.
    inside, count, here = [False], [0], str(run_dir)
    def touched(what, path):
        if inside[0] and str(path).startswith(here):
            count[0] += 1
            if count[0] == kill_at:
                (run_dir.parent / "touched").open("a").write(f"{what} {os.path.relpath(path, here)}\\n")
                os.kill(os.getpid(), 9)
    def hook(event, arguments):
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in ("os.rename", "os.mkdir", "os.remove", "shutil.rmtree"):
            touched(event, arguments[0])
    save, fsync, prune = checkpoints.save_checkpoint, os.fsync, stored.prune
    def saving(*what, **how):
        inside[0], count[0] = True, 0
        return save(*what, **how)
    def pruning(*what):
        done = prune(*what)
        inside[0] = False
        return done
    def syncing(fd):
        touched("before fsync", os.readlink(f"/proc/self/fd/{fd}") if os.path.exists("/proc/self/fd") else here)
        fsync(fd)
    checkpoints.save_checkpoint, os.fsync, stored.prune = saving, syncing, pruning
    sys.addaudithook(hook)

for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            live(TrainConfig.from_dict(asked["config"]), asked["kill_at"])
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Nursery:
    """Starts trainers, one after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = 0
        """Of the trainer that was begun last."""
        self._lives = False

    def begin(self, config: TrainConfig, kill_at: int = 0) -> None:
        """Starts one that goes on from the run's last checkpoint, or anew where there is none.

        Args:
            config: with a ``run_dir``.
            kill_at: it kills itself at so many calls to the file system within its first checkpoint; 0: never.
        """
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"config": config.to_dict(), "kill_at": kill_at}) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._line())
        self._lives = True

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Waits for its end; the exit code, or the signal as a negative number."""
        code = os.waitstatus_to_exitcode(int(self._line()))
        self._lives = False
        return code

    def close(self) -> None:
        """Ends all: a trainer that a failed test has left would go on for minutes."""
        if self._lives:
            self.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextmanager
def trainer_nursery(folder: Path) -> Iterator[Nursery]:
    """A nursery for the length of a block; what its trainers say on standard error is in ``folder/nursery.log``."""
    environment: dict[str, Any] = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with (folder / "nursery.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=Path(__file__).parents[2],
            env=environment,
        )
        nursery = Nursery(process)
        try:
            yield nursery
        finally:
            nursery.close()
