"""Whatever can be watched, by name or path: a run of the lab, or one of another program.

What knows the formats of other programs is imported only where it is no run of the lab.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import RunError
from core.folders import runs_dir
from core.training.run import Run, is_run
from core.training.runs import open_run

if TYPE_CHECKING:
    from core.training.foreign.run import ForeignRun


def open_watched(path_or_name: str | Path) -> Run | ForeignRun:
    """Opens a run of the lab by name or path, or a run of another program by its path.

    Raises:
        RunError: it is neither; the title says what was expected and what is there.
    """
    try:
        return open_run(path_or_name)
    except RunError as error:
        given = Path(path_or_name).expanduser()
        for place in (given, runs_dir() / given.name) if str(path_or_name) == given.name else (given,):
            try:
                strange = place.exists() and not is_run(place)
            except OSError:
                strange = False
            if strange:
                from core.training.foreign.recognise import open_foreign

                return open_foreign(place)
        raise error
