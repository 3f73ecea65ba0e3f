"""Numbers of a pass as tables in full precision: CSV that reads back to the same float32."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.files import Beside, takes_what_comes, write_error

if TYPE_CHECKING:
    from core.model.ablation import HeadEffect
    from core.model.head_sets import Head
    from core.model.lens import LensRow
    from core.model.pictures.maps import HeadMap
    from core.model.profiles import HeadProfiles
    from core.tokenizers.base import Tokenizer

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]
"""A header, and rows as long as it."""


def map_table(maps: Iterable[HeadMap]) -> Table:
    """A row for each token of each map, a column for each token that it looks at; the upper half is empty.

    All maps are of one text; at least one is needed.
    """
    rest = iter(maps)
    first = next(rest)
    header = ("layer", "head", "position", "token", *(f"{j} {label}" for j, label in enumerate(first.tokens)))
    return header, (row for one in chain([first], rest) for row in _map_rows(one))


def _map_rows(one: HeadMap) -> Iterator[Sequence[Any]]:
    layer, head = ("" if one.layer is None else one.layer), (one.how if one.head is None else one.head)
    empty = len(one.tokens)
    for i, row in enumerate(one.values.tolist()):
        yield (layer, head, i, one.tokens[i], *row[: i + 1], *[""] * (empty - i - 1))


def profile_table(profiles: HeadProfiles, heads: Iterable[Head] | None = None) -> Table:
    """A row for each head with all its measures; of all heads, or of some in their order."""
    from core.model.profiles import MEASURES

    columns = {name: profiles[name].tolist() for name in MEASURES}
    layers, count = profiles.entropy.shape
    every = ((layer, head) for layer in range(layers) for head in range(count))
    rows = [
        (layer, head, *(columns[name][layer][head] for name in MEASURES))
        for layer, head in (every if heads is None else heads)
    ]
    return ("layer", "head", *MEASURES), rows


def lens_table(rows: Sequence[LensRow], tokenizer: Tokenizer) -> Table:
    """A row for each layer: entropy, the answer's rank and probability, and the likeliest tokens with theirs."""
    from core.model.pictures.labels import token_labels

    k = max((len(row.top) for row in rows), default=0)
    header = ["layer", "entropy_bits", "answer", "rank", "probability"]
    header += [f"{name}_{i + 1}" for i in range(k) for name in ("token", "probability")]
    out: list[Sequence[Any]] = []
    for row in rows:
        answer = "" if row.answer is None else token_labels(tokenizer, [row.answer])[0]
        cells: list[Any] = [row.layer, row.entropy, answer, row.rank, row.probability]
        for found in row.top:
            cells += [token_labels(tokenizer, [found.token])[0], found.probability]
        out.append(cells + [""] * (len(header) - len(cells)))
    return header, out


def sweep_table(effects: Iterable[HeadEffect]) -> Table:
    """A row for each head that was switched off."""
    return (
        ("layer", "head", "loss_change_nats", "kl_bits"),
        ((e.layer, e.head, e.loss_change, e.kl_bits) for e in effects),
    )


def csv_lines(table: Table) -> Iterator[str]:
    """A table as lines of CSV; a number that is none is written ``nan``.

    >>> list(csv_lines((("a", "b"), [(1, 0.1), (2, None)])))
    ['a,b\\n', '1,0.1\\n', '2,\\n']
    """
    header, rows = table
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    yield out.getvalue()
    for row in rows:
        out.seek(0)
        out.truncate()
        writer.writerow(row)
        yield out.getvalue()


def save_csv(table: Table, path: Path) -> Path:
    """Writes a table row by row beside its name, and puts it in place when it is whole.

    A pipe or a device, which nothing can take the place of, gets the rows as they come.

    Raises:
        DiskFullError: no space is left; what was there before stays.
        LabError: it cannot be written.
    """
    try:
        straight = takes_what_comes(path)
        with Beside(path, sync=False) as new:
            with (path if straight else new.path).open("w", encoding="utf-8", newline="") as file:
                file.writelines(csv_lines(table))
            if not straight:
                new.put()
    except OSError as error:
        raise write_error(path, error) from error
    return path
