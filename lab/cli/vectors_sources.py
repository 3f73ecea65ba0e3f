"""``llm-lab vectors list``: what there is; ``vectors SPEC list``: what one of them holds; and opening one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from lab.cli.commands import PROGRAM
from lab.cli.drawing import drawing_console
from lab.cli.pull import size_words
from lab.cli.report import print_json
from lab.cli.vectors_flags import flag
from lab.cli.writing import note

if TYPE_CHECKING:
    from core.vectors.sources import VectorSource
    from core.vectors.store import Vectors
    from lab.cli.vectors_flags import Asked


def listing(asked: Asked) -> int:
    """What can be named, or what one of them holds."""
    if asked.spec:
        return _one(asked)
    if given := [name for name in ("n", "centred") if name in asked.given]:
        raise InputError(
            f"list shows the words of a SPEC with {flag(given[0])}, and none came",
            f"for one: {PROGRAM} vectors demo list -n 20",
        )
    return _all(asked.as_json)


def _all(as_json: bool) -> int:
    from core.vectors.sources import list_vectors
    from lab.cli.runs import print_table

    found = list_vectors()
    if as_json:
        print_json({"vectors": [source.to_dict() for source in found]})
        return 0
    print_table(("name", "words", "width", "size", "here", "what it is"), [_row(source) for source in found])
    print("any file too: word2vec binary or text, GloVe, fastText's .vec, gzipped or not")
    return 0


def _row(source: VectorSource) -> tuple[str, ...]:
    words, width = f"{source.words:,}" if source.words else "–", str(source.width or "–")
    size = size_words(source.bytes) if source.bytes else "–"
    return (source.name, words, width, size, "yes" if source.here else f"no: {source.get}", source.label)


def _one(asked: Asked) -> int:
    vectors = asked.load()
    first = list(vectors.words[: asked.count])
    if asked.as_json:
        found = {"mean_cosine": vectors.mean_cosine, "first": first, "notes": list(vectors.notes)}
        print_json({**about(vectors), **found})
        return 0
    print(f"{vectors.spec}: {len(vectors):,} words x {vectors.width} numbers")
    if (mean := vectors.mean_cosine) is not None:
        how = "" if vectors.plain is not None else "; --centred takes from each what all share"
        print(f"two of them: cosine {mean:.3f} on average{how}")
    print("first words: " + " ".join(first))
    say_synthetic(vectors)
    return 0


def about(vectors: Vectors) -> dict[str, Any]:
    """What every answer in JSON says of where it comes from."""
    facts: dict[str, Any] = {
        "vectors": vectors.spec,
        "label": vectors.label,
        "synthetic": vectors.synthetic,
        "words": len(vectors),
        "width": vectors.width,
    }
    return facts


def say_synthetic(vectors: Vectors) -> None:
    """The last line of an answer that comes from a made-up text."""
    if vectors.synthetic:
        from core.vectors.teaching_card import REAL

        print(f"{vectors.label}; real ones: {REAL}")


def on_terminal() -> bool:
    """Whether standard error is a terminal on which a line can be drawn anew."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"


def load(spec: str) -> Vectors:
    """Opens vectors, with a bar on standard error while a large file is read for the first time.

    Raises:
        LabError: as ``core.load_vectors``.
    """
    from core.vectors.sources import load_steps

    steps = load_steps(spec)
    shown = _bar(steps) if on_terminal() else steps
    last = None
    for last in shown:  # noqa: B007 - the last one counts
        pass
    assert last is not None and last.vectors is not None
    for said in last.vectors.notes:
        note(said)
    vectors: Vectors = last.vectors
    return vectors


def _bar(steps: Any) -> Any:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()]
    with Progress(*columns, transient=True, console=drawing_console(stderr=True)) as bar:
        task = bar.add_task("reading", total=None)
        for step in steps:
            bar.update(task, description=step.phase, completed=step.bytes_done, total=step.bytes_total or None)
            yield step
