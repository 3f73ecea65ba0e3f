"""A tree of continuations as a file: Markdown for people, JSON for programs, and both open again.

Either holds everything: prompts, settings, models, seeds, tokens and their probabilities. The Markdown file carries the
JSON in a block at its end.
"""

from __future__ import annotations

import math
import os
import re
import time
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files import write_bytes_atomic
from core.generation.branches import Branch, Tree
from core.generation.settings import SamplingConfig

FORMAT = 1
"""Version of the files; a reader refuses a newer one."""

_DATA = "## Data"


def save_transcript(tree: Tree, path: str | os.PathLike[str]) -> Path:
    """Writes a tree; the ending decides how: ``.json``, or ``.md`` for Markdown.

    Raises:
        InputError: another ending, or a folder that does not exist.
        DiskFullError: no space is left; what was there stays.
    """
    target = transcript_path(path)
    content = {"kind": "transcript", "format": FORMAT, "saved": time.strftime("%Y-%m-%d %H:%M:%S"), **tree.to_dict()}
    text = _json(content) if target.suffix == ".json" else to_markdown(tree, content)
    write_bytes_atomic(target, text.encode("utf-8", "backslashreplace"))
    return target


def transcript_path(path: str | os.PathLike[str]) -> Path:
    """Where a transcript can be written, asked before there is one.

    Raises:
        InputError: another ending, a folder, or one that does not exist.
    """
    target = _whole_path(path)
    if target.suffix not in (".md", ".json"):
        raise InputError(
            f"a transcript is FILE.md or FILE.json, got {target.name or target}", "give it one of these endings"
        )
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent}", "make it first, or save elsewhere")
    if target.is_dir():
        raise InputError(f"{target} is a folder, a file was expected", "save under another name")
    return target


def open_transcript(path: str | os.PathLike[str]) -> Tree:
    """Reads what ``save_transcript`` wrote, either kind.

    Raises:
        InputError: it is missing, damaged, of a newer format, or something else.
    """
    import orjson

    source = _whole_path(path)
    again = "open a file that was saved as a transcript"
    try:
        text = source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no file {source}", again) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read: {error}", again) from None
    try:
        raw = orjson.loads(_data_block(text) if source.suffix == ".md" else text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{source.name} is damaged: {error}", again) from None
    if not isinstance(raw, dict) or raw.get("kind") != "transcript" or not isinstance(raw.get("format"), int):
        raise InputError(f"{source.name} is not a transcript of llm-lab", again)
    if raw["format"] > FORMAT:
        raise InputError(
            f"{source.name} has format {raw['format']}, this version reads up to {FORMAT}",
            "pip install --upgrade llm-lab",
        )
    return Tree.from_dict(raw)


def _whole_path(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # the home of a user who does not exist
        raise InputError(f"{path} is no path: {error}", "write it out") from None


def to_markdown(tree: Tree, content: dict[str, Any]) -> str:
    """The tree for people: each prompt, each branch with its settings, its text and its tokens."""
    parts = ["# Transcript", "", f"Saved {content['saved']} by LLM Lab."]
    for _, branch in tree.walk():
        parts += ["", *(_prompt(branch) if branch.is_root else _answer(tree, branch))]
    data = _json(content).rstrip("\n")
    return "\n".join([*parts, "", _DATA, "", *_fenced(data, "json"), ""])


def _prompt(root: Branch) -> list[str]:
    return [f"## Prompt, {len(root.prompt_ids)} tokens", "", *_fenced(root.prompt)]


def _answer(tree: Tree, branch: Branch) -> list[str]:
    path, parent = tree.path(branch.id), branch.parent
    assert parent is not None
    left = "" if tree[parent].is_root else f", leaving {tree[parent].name} at #{branch.at}"
    head = [f"### {branch.name}{left}", "", f"{branch.model} · {settings_line(branch.sampling)}", ""]
    end = next((step.end for step in reversed(path) if step.end), None)
    told = f"{len(path)} tokens, perplexity {tree.perplexity(branch.id):.3g}" + (f", ended: {end}" if end else "")
    rows = [
        f"| {step.index} | {_cell(step.bytes)} | {_percent(step.raw_logprob)} | {_percent(step.logprob)} "
        f"| {step.rank} | {step.entropy:.2f} |"
        for step in branch.steps
    ]
    table = (
        ["", "| # | token | p | p drawn | rank | entropy, bits |", "|--:|---|--:|--:|--:|--:|", *rows] if rows else []
    )
    return [*head, *_fenced(tree.text(branch.id)), "", told, *table]


def settings_line(sampling: SamplingConfig) -> str:
    """The settings in one line: temperature and seed, and whatever is not at its default.

    >>> settings_line(SamplingConfig(top_k=50))
    'temperature 0.8, seed 42, top-k 50'
    """
    usual = SamplingConfig().to_dict()
    said = [f"temperature {sampling.temperature:g}", f"seed {sampling.seed}"]
    for name, value in sampling.to_dict().items():
        if name not in ("temperature", "seed", "top_alternatives") and value != usual[name]:
            said.append(f"{name.replace('_', '-')} {value}")
    return ", ".join(said)


def _percent(logprob: float) -> str:
    return f"{math.exp(logprob):.2%}"


def _cell(raw: bytes) -> str:
    """A token, quoted, as code in a table: nothing in it may end the cell or the code."""
    text = repr(raw.decode("utf-8", "backslashreplace")).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}{text}{ticks}"


def _fenced(text: str, kind: str = "") -> list[str]:
    """A block of code whose fence is longer than any in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{fence}{kind}", text, fence]


def _data_block(text: str) -> str:
    """The JSON at the end of a Markdown transcript."""
    block = text[max(text.rfind(f"\n{_DATA}\n"), 0) :]  # in a fenced prompt it could stand before, in JSON it cannot
    found = re.search(rf"\n{_DATA}\n\n(`{{3,}})json\n(.*)\n\1\s*\Z", block, re.DOTALL)
    return found[2] if found else ""


def _json(content: dict[str, Any]) -> str:
    import orjson

    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
