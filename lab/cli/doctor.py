"""``llm-lab doctor``: what this machine has, what is cached, and what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from lab.cli.control import AsJson
from lab.cli.report import print_json

NAMES = 18
"""Cells of the names at the left."""
LIBRARIES = ("torch", "textual", "tiktoken", "safetensors", "numpy", "gensim", "scikit-learn", "matplotlib", "cyclopts")
EXTRAS = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "tensorboard": ("tensorboard",), "dev": ("pytest",)}
FOLDERS = {"models": "models", "vectors": "vectors", "trained_tokenizers": "tokenizers"}
"""What of the cache is told by name, and the folder that it lies in."""


def doctor(
    *,
    quick: Annotated[bool, Parameter(negative="", help="Leave out what takes a second: torch and its speed.")] = False,
    as_json: AsJson = False,
) -> int:
    """Shows what this machine has and lacks; the exit code is 1 if something needed is broken."""
    facts: dict[str, Any] = {
        "llm-lab": _versions(),
        "machine": _machine(),
        "torch": {} if quick else _torch(),
        "cache": _cache(),
        "runs": _runs(),
        "extras": _extras(),
        "terminal": _terminal(),
    }
    facts["problems"] = _problems(facts)
    if as_json:
        print_json(facts)
    else:
        _show(facts)
    return 1 if facts["problems"] else 0


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _versions() -> dict[str, Any]:
    from core import __version__

    return {
        "version": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _machine() -> dict[str, Any]:
    import psutil

    memory = psutil.virtual_memory()
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "threads": _usable_threads(),
        "memory": memory.total,
        "memory_free": memory.available,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _usable_threads() -> int:
    if hasattr(os, "sched_getaffinity"):  # a container may be given fewer than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _torch() -> dict[str, Any]:
    from core.training.launch import prepare_environment

    prepare_environment()
    try:
        import torch
    except (ImportError, OSError) as error:  # a wheel for another machine fails in its own ways
        return {"problem": f"torch does not load: {error}"}
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    from core.training.measure import matmul_rate, memory_rate, pick_device

    device = pick_device("auto")
    return {
        "version": str(torch.__version__),
        "devices": devices,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": str(device),
        "flops": {name: matmul_rate(device, getattr(torch, name)) for name in ("float32", "bfloat16")},
        "memory_rate": memory_rate(device),
    }


def _cache() -> dict[str, Any]:
    from core.data.corpora import CORPORA, is_available
    from core.folders import cache_dir
    from core.tokenizers import TOKENIZERS, tokenizer_is_here

    root = cache_dir()
    return {
        "path": str(root),
        "exists": root.is_dir(),
        "writable": _writable(root),
        "free": _free(root),
        "size": _size(root),
        "corpora": {name: is_available(name) for name in CORPORA},
        "tokenizers": {name: tokenizer_is_here(name) for name in TOKENIZERS},
        "encoded_texts": len(_files(root / "ids")),
        **{kind: _folders(root / at) for kind, at in FOLDERS.items()},
    }


def _runs() -> dict[str, Any]:
    from core.folders import runs_dir
    from core.training.runs import list_runs

    root = runs_dir()
    states: dict[str, int] = {}
    for summary in list_runs(root):
        states[summary.state] = states.get(summary.state, 0) + 1
    return {
        "path": str(root.absolute()),
        "exists": root.is_dir(),
        "writable": _writable(root),
        "free": _free(root),
        "states": states,
    }


def _extras() -> dict[str, bool]:
    return {extra: any(_version(name) for name in names) for extra, names in EXTRAS.items()}


def _terminal() -> dict[str, Any]:
    columns, rows = shutil.get_terminal_size((0, 0))
    return {
        "is_terminal": sys.stdout.isatty(),
        "columns": columns,
        "rows": rows,
        "TERM": os.environ.get("TERM", ""),
        "COLORTERM": os.environ.get("COLORTERM", ""),
        "NO_COLOR": "NO_COLOR" in os.environ,
        "encoding": sys.stdout.encoding,
    }


def _problems(facts: dict[str, Any]) -> list[str]:
    found = []
    for name, version in facts["llm-lab"]["libraries"].items():
        if version is None:
            found.append(f"{name} is not installed: pip install --upgrade llm-lab")
    if "problem" in facts["torch"]:
        found.append(facts["torch"]["problem"])
    if not facts["runs"]["writable"]:
        found.append(f"no run can be written to {facts['runs']['path']}: set LLM_LAB_RUNS to a folder that can")
    return found


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _writable(path: Path) -> bool:
    found = _existing(path)
    return found.is_dir() and os.access(found, os.W_OK)


def _free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(_existing(path)).free
    except OSError:
        return None


def _children(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []


def _folders(path: Path) -> list[str]:
    here = (p for p in _children(path) if p.is_dir() and p.name != "mapped")  # copies of others' files
    return sorted(p.name for p in here if any(f.is_file() for f in p.rglob("*")))  # a pull that failed leaves none


def _files(path: Path) -> list[Path]:
    return [p for p in _children(path) if p.is_file()]


def _size(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                total += Path(folder, name).stat().st_size
            except OSError:  # gone since it was listed
                continue
    return total


def size(n: int | None) -> str:
    """Bytes in units of a thousand.

    >>> size(1_115_394), size(None)
    ('1.1 MB', '–')
    """
    if n is None:
        return "–"
    value = float(n)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _show(facts: dict[str, Any]) -> None:
    own, machine, torch, cache, runs = (facts[k] for k in ("llm-lab", "machine", "torch", "cache", "runs"))
    known = {**cache["corpora"], **{f"tokenizer {name}": there for name, there in cache["tokenizers"].items()}}
    here = [name for name, there in known.items() if there]
    away = [name for name, there in known.items() if not there]
    states = ", ".join(f"{n} {state}" for state, n in runs["states"].items()) or "none"
    lines = {
        "llm-lab": f"{own['version']}, Python {own['python']} ({own['executable']})",
        "libraries": ", ".join(f"{n} {v or 'MISSING'}" for n, v in own["libraries"].items()),
        "machine": f"{machine['system']}, {machine['processor']}",
        "cores": f"{machine['cores']} ({machine['threads']} threads for this process)",
        "memory": f"{size(machine['memory'])}, {size(machine['memory_free'])} free",
    }
    if "version" in torch:
        lines["torch"] = f"{torch['version']}, {torch['threads']} threads, {torch['cpu_capability']}"
        lines["devices"] = f"{', '.join(torch['devices'])} (auto takes {torch['device']})"
        for dtype, flops in torch.get("flops", {}).items():
            lines[f"{dtype} products"] = f"{flops / 1e9:,.0f} GFLOP/s"
        lines["memory reads"] = f"{torch['memory_rate'] / 1e9:,.1f} GB/s"
    notes = [size(cache["size"]), f"{cache['encoded_texts']} encoded texts", f"{size(cache['free'])} free on its disk"]
    notes += [f"{kind.replace('_', ' ')}: {', '.join(cache[kind])}" for kind in FOLDERS if cache[kind]]
    if not cache["writable"]:
        notes.append("cannot be written")
    lines |= {
        "cache": f"{cache['path']} ({', '.join(notes)})",
        "here": ", ".join(here) or "nothing",
        "to be fetched": ", ".join(away) or "nothing",
        "runs": f"{runs['path']} ({states}; {size(runs['free'])} free on its disk)",
        "extras": ", ".join(
            f"{n}: {'installed' if there else 'not installed'}" for n, there in facts["extras"].items()
        ),
        "terminal": _terminal_line(facts["terminal"]),
    }
    for name, text in lines.items():
        print(_line(name, text))
    for problem in facts["problems"]:
        print(_line("PROBLEM", problem))
    if not facts["problems"]:
        print(_line("verdict", "ready: llm-lab train --preset shakespeare-1min, or llm-lab"))


def _terminal_line(terminal: dict[str, Any]) -> str:
    if not terminal["is_terminal"]:
        return "none (the output is a pipe or a file)"
    colours = "no colour" if terminal["NO_COLOR"] else terminal["COLORTERM"] or "256 colours or fewer"
    size_of = f"{terminal['columns']}×{terminal['rows']}"
    return ", ".join([size_of, terminal["TERM"] or "TERM is not set", colours, str(terminal["encoding"])])


def _line(name: str, text: str) -> str:
    """One fact; in a terminal that is too narrow for it, broken between words under its beginning."""
    if not sys.stdout.isatty():
        return f"{name:<{NAMES}}{text}"
    room = max(shutil.get_terminal_size((80, 24)).columns - NAMES, 30)
    return "\n".join(
        f"{'' if below else name:<{NAMES}}{line}"
        for below, line in enumerate(textwrap.wrap(text, room, break_on_hyphens=False) or [""])
    )
