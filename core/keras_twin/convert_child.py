"""The process that writes and reads ``.keras`` files: ``python -P -m core.keras_twin.convert_child``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from core.child import Say, work_off
from core.keras_twin.loading import load_tensorflow
from core.keras_twin.memory import check_memory
from core.weights.keymap import tensor_names


def main() -> int:
    """Converts what standard input asks for."""
    return work_off(convert)


def convert(orders: dict[str, Any], say: Say) -> None:
    """One conversion.

    Args:
        orders: ``src``, a model or a ``.keras`` file; ``target``, the file or folder to make.
        say: takes what a ``ConvertProgress`` holds, without its path.

    Raises:
        LabError: as ``core.keras_twin.convert.convert_steps``.
    """
    src, target = orders["src"], Path(orders["target"])
    say(_progress("starting", 0, 0, 0))
    load_tensorflow()
    from core.keras_twin.files import SUFFIX, load_keras, open_twin, save_keras, save_own

    if Path(src).suffix == SUFFIX:
        model = load_keras(Path(src).expanduser())
        save_own(model, target)
    else:
        from core.weights.locate import ready

        check_memory(ready(src).config, "the twin")
        model = open_twin(src)
        save_keras(model, target)
    count, size = len(tensor_names(model.config)), 4 * model.config.parameters()
    say(_progress("done", count, count, size))


def _progress(phase: str, index: int, total: int, size: int) -> dict[str, Any]:
    return {
        "phase": phase,
        "name": "",
        "index": index,
        "total": total,
        "bytes_done": size,
        "bytes_total": size,
        "path": "",
    }


if __name__ == "__main__":
    sys.exit(main())
