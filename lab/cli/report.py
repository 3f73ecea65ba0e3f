"""How the command line speaks: JSON on request, errors as two lines, and a log for what nobody expected."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import LabError


def print_json(value: Mapping[str, Any]) -> None:
    """Prints one JSON object on a line of its own, at once; numbers that are not finite become null."""
    sys.stdout.write(json.dumps(_plain(value), allow_nan=False) + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def expected(error: LabError, as_json: bool) -> int:
    """Says an error of ours in its two lines (or as JSON) and returns the exit code."""
    if as_json:
        print_json({"error": error.to_dict()})
    else:
        two_lines(error.title, error.hint)
    return error.exit_code


def two_lines(title: str, hint: str) -> None:
    """Writes what is wrong and what to do, one line each, to stderr."""
    sys.stdout.flush()
    for line in (title, hint):
        if line:
            sys.stderr.write(" ".join(line.split()) + "\n")
    sys.stderr.flush()


def unexpected(error: Exception, as_json: bool, argv: list[str]) -> int:
    """Says in two lines that a bug was met and where its traceback went; ``LLM_LAB_DEBUG=1`` shows it instead."""
    if os.environ.get("LLM_LAB_DEBUG", "") not in ("", "0"):
        sys.stderr.write(_traceback(error))
        return 1
    text = f"llm-lab {' '.join(argv)}\n" + _traceback(error)
    said = " ".join(str(error).split()) or "no message"
    told = LabError(f"a bug in llm-lab: {type(error).__name__}: {said[:200]}", _keep(text))
    return expected(told, as_json)


def _traceback(error: Exception) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


def _keep(text: str) -> str:
    import tempfile
    import time

    from core.folders import state_dir

    name = time.strftime("error-%Y%m%d-%H%M%S-") + f"{os.getpid()}.log"
    for folder in (state_dir(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return f"the whole story is in {folder / name}"
    return "LLM_LAB_DEBUG=1 before the command shows the whole story"
