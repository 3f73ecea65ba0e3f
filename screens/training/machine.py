"""How busy this machine is: processor, memory, the trainer's share. psutil is imported when first asked for."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screens.training.view import RunView

EVERY = 2.0
"""Seconds between two questions to the system."""


@dataclass(frozen=True, slots=True)
class Load:
    """The machine now."""

    cpu: float
    """Share of all cores, 0 to 1."""
    cores: int
    memory_used: float
    memory_total: float
    trainer_cpu: float | None = None
    """Cores that the shown run's trainer uses; None when it does not run here."""
    trainer_memory: float | None = None

    def lines(self) -> list[tuple[str, str]]:
        """As (name, value)."""
        rows = [
            ("cpu", f"{self.cpu * 100:.0f} % of {self.cores}"),
            ("memory", f"{self.memory_used / 2**30:.1f}/{self.memory_total / 2**30:.1f} GiB"),
        ]
        if self.trainer_memory is not None:  # the row is there at once: one more later would lay the screen out again
            cores = "–" if self.trainer_cpu is None else f"{self.trainer_cpu:.1f}"
            rows.append(("trainer", f"{cores} cores {self.trainer_memory / 2**20:.0f} MiB"))
        return rows


class Machine:
    """Asks at most every other second."""

    def __init__(self) -> None:
        self._at = 0.0
        self._load: Load | None = None
        self._process: tuple[int, Any] | None = None

    def load(self, view: RunView | None) -> Load | None:
        """The load now, or the last answer if that is younger than that."""
        if time.monotonic() - self._at < EVERY:
            return self._load
        import psutil

        self._at = time.monotonic()
        memory = psutil.virtual_memory()
        cpu, resident = self._trainer(view)
        self._load = Load(
            psutil.cpu_percent(None) / 100,
            psutil.cpu_count() or 1,
            float(memory.total - memory.available),
            float(memory.total),
            cpu,
            resident,
        )
        return self._load

    def _trainer(self, view: RunView | None) -> tuple[float | None, float | None]:
        import psutil

        if view is None or not view.live or not view.pid or view.host != platform.node():
            self._process = None
            return None, None
        try:
            if self._process is None or self._process[0] != view.pid:
                self._process = (view.pid, psutil.Process(view.pid))
                self._process[1].cpu_percent(None)  # the first answer has nothing to compare with
                return None, float(self._process[1].memory_info().rss)
            process = self._process[1]
            return process.cpu_percent(None) / 100, float(process.memory_info().rss)
        except psutil.Error:
            self._process = None
            return None, None
