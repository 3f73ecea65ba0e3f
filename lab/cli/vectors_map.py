"""``llm-lab vectors SPEC map [WORDS] -o FILE``: words in the plane, as a picture or as numbers."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from lab.cli.drawing import replace_line
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals
from lab.cli.vectors_ask import wrote
from lab.cli.vectors_flags import whole
from lab.cli.vectors_sources import about, on_terminal, say_synthetic

if TYPE_CHECKING:
    from core.vectors.projection import Projection
    from core.vectors.store import Vectors
    from lab.cli.vectors_flags import Asked

_OWN = 24
"""Words of a map for which none were named."""


def draw(asked: Asked) -> int:
    """Writes a map of words, or says where each word lies when no file is named."""
    from core.pictures import check_path
    from core.vectors.map_files import FORMATS, write_map

    path = Path(asked.given["output"]).expanduser() if "output" in asked.given else None
    if path is not None:
        check_path(path, FORMATS)
    pairs, components, seed = _pairs(asked), _components(asked), whole(asked.given, "seed", 0)
    vectors = asked.load()
    words = asked.all_words(0, "") or _first(asked, vectors)
    cancelled = threading.Event()
    with stop_on_signals(cancelled.set, lambda said: None) as received:
        if asked.given.get("method", "pca") == "tsne":
            projection = _tsne(vectors, words, seed, cancelled)
        else:
            method: Any = asked.given.get("method", "pca")
            projection = vectors.project(words, method, axes=components, pairs=pairs)
        if projection is None:
            return received.exit_code
        if path is None:
            return _tell(asked, vectors, projection)
        write_map(projection, path, title=_title(vectors, projection), groups=_groups(words))
    facts = {"method": projection.method, "axes": list(projection.names), "share": _share(projection)}
    return wrote(asked, vectors, path, {**facts, "of": list(projection.words)}, _what(projection))


def _tell(asked: Asked, vectors: Vectors, projection: Projection) -> int:
    from lab.cli.runs import print_table

    if asked.as_json:
        print_json({**about(vectors), **projection.to_dict()})
        return 0
    rows: list[tuple[str, ...]] = [
        (word, f"{x:.4f}", f"{y:.4f}") for word, (x, y) in zip(projection.words, projection.xy, strict=True)
    ]
    print_table(("word", *projection.names), rows)
    print(_what(projection))
    say_synthetic(vectors)
    return 0


def _what(projection: Projection) -> str:
    share = _share(projection)
    kept = f", keeping {share[0]:.1%} and {share[1]:.1%} of the spread" if share else ""
    return f"{len(projection.words)} words by {projection.method}{kept}"


def _share(projection: Projection) -> list[float] | None:
    return list(projection.share) if projection.share else None


def _title(vectors: Vectors, projection: Projection) -> str:
    synthetic = "" if not vectors.synthetic or "synthetic" in vectors.label else " (synthetic)"
    return f"{vectors.label}{synthetic} · {_what(projection)}"


def _first(asked: Asked, vectors: Vectors) -> tuple[str, ...]:
    """The words of the lessons that these vectors have, or the most frequent; so many as ``-n`` says."""
    if "n" in asked.given:
        return tuple(vectors.words[: asked.count])
    from core.vectors.groups import first_words

    return first_words(lambda word: word if word in vectors else None, vectors.words)[:_OWN]


def _groups(words: tuple[str, ...]) -> dict[str, str]:
    from core.vectors.groups import GROUP_NAMES, OTHERS, group_of

    found = {word: GROUP_NAMES[group_of(word)] for word in words}
    return {word: name for word, name in found.items() if name != OTHERS}


def _tsne(vectors: Vectors, words: tuple[str, ...], seed: int, cancelled: threading.Event) -> Projection | None:
    """The map by t-SNE, with a line on standard error while it is made; None when it was ended by a signal."""
    from core.vectors.progress import CancelledError
    from core.vectors.tsne import project_steps

    drawn = on_terminal()
    try:
        for step in project_steps(vectors, words, seed=seed, cancel=cancelled):
            if drawn:
                loss = f", loss {step.loss:.3f}" if step.loss is not None else ""
                replace_line(f"t-SNE: iteration {step.iteration:,} of {step.iterations:,}{loss}")
            if step.projection is not None:
                return step.projection
    except CancelledError:
        sys.stderr.write("ended: no map was written\n")
        return None
    finally:
        if drawn:
            replace_line()
    return None


def _pairs(asked: Asked) -> list[tuple[str, str]] | None:
    """``man:woman,young:old`` as two pairs."""
    text = asked.given.get("pairs")
    axes = asked.given.get("method") == "axes"
    if (text is None) == axes:
        raise InputError(
            "--method axes needs --pairs" if axes else "--pairs belongs to --method axes",
            "for one: --method axes --pairs man:woman,young:old",
        )
    if text is None:
        return None
    found = [tuple(part.strip() for part in pair.split(":")) for pair in text.split(",")]
    if len(found) != 2 or any(len(pair) != 2 or not all(pair) for pair in found):
        raise InputError(f"--pairs must be two pairs of words, got {text!r}", "for one: man:woman,young:old")
    return [(pair[0], pair[1]) for pair in found]


def _components(asked: Asked) -> tuple[int, int]:
    """``1,2`` as columns, counted from 0."""
    text = asked.given.get("components", "1,2")
    if "components" in asked.given and asked.given.get("method", "pca") != "pca":
        raise InputError("--components belongs to --method pca", "leave it out")
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise InputError(f"--components must be two whole numbers from 1, got {text!r}", "for one: 1,2")
    return int(parts[0]) - 1, int(parts[1]) - 1
