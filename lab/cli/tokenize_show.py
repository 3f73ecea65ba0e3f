"""How ``llm-lab tokenize`` prints: tables for people, one JSON object for programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from core.errors import InputError
from lab.cli.report import print_json
from lab.cli.runs import table
from lab.cli.writing import draws

if TYPE_CHECKING:
    from core.tokenizers import Token, Tokenizer
    from core.tokenizers.inspect import TokenReport
    from screens.widgets.token_strip_labels import Labels

LISTED = 200
"""Tokens that a terminal gets without ``--limit``."""
_LONG_TEXT = 5_000_000  # characters above which only what is listed is held in memory
_BAR = 30
_LONGEST_WORD = 500


def report(
    text: str,
    tokenizers: Sequence[Tokenizer],
    special: Literal["allowed", "plain", "refused"],
    limit: int | None,
    as_json: bool,
) -> int:
    """Shows the tokens of a text, or with several tokenizers the counts of each."""
    from core.tokenizers.inspect import inspect

    listed = limit
    if limit is None and (len(text) > _LONG_TEXT or (sys.stdout.isatty() and not as_json)):
        listed = LISTED
    several = len(tokenizers) > 1
    made = []
    for n, tokenizer in enumerate(tokenizers):
        made.append(
            inspect(
                text,
                tokenizer,
                listed if n == 0 else 0,
                allowed_special="all" if special == "allowed" else frozenset(),
                disallowed_special="all" if special == "refused" else (),
            )
        )
    if as_json:
        more = {"compare": [other.summary() for other in made]} if several else {}
        print_json({**made[0].to_dict(), **more})
        return 0
    if several:
        _print_comparison(made)
        return 0
    print(summary_line(made[0]))
    if made[0].tokens:
        print()
        _print_tokens(made[0])
    return 0


def summary_line(made: TokenReport) -> str:
    """The counts of a text in one line."""
    parts = [
        f"{made.tokenizer} ({made.vocab_size:,} entries)",
        _many(made.total, "token"),
        _many(made.characters, "character"),
        _many(made.bytes, "byte"),
    ]
    if made.bytes_per_token is not None:
        parts.append(f"{made.bytes_per_token:.2f} bytes per token")
    if made.tokens_per_word is not None:
        parts.append(f"{made.tokens_per_word:.2f} tokens per word")
    if made.unknown:
        parts.append(f"{made.unknown:,} not in its vocabulary: {_pieces(made.unknown_pieces)}")
    return " · ".join(parts)


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _pieces(pieces: Sequence[str], most: int = 8) -> str:
    labels = _labels()
    shown = " ".join(labels.of(piece.encode("utf-8", "replace")[:40]).text for piece in pieces[:most])
    return shown + (" …" if len(pieces) > most else "")


def _labels() -> Labels:
    from screens.widgets.token_strip_labels import Labels

    return Labels()


_HEADER = ("#", "id", "token", "bytes", "characters", "byte span")


def _print_tokens(made: TokenReport) -> None:
    """A row for each token; the widths are those that the first thousand need."""
    from rich.cells import cell_len

    rows = _rows(made.tokens)
    first = list(islice(rows, 1000))
    widths = [max(map(cell_len, column)) for column in zip(_HEADER, *first, strict=True)]
    room = shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else None
    print(_line(_HEADER, widths, room))
    for group in (first, rows):
        for row in group:
            print(_line(row, widths, room))
    if left := made.total - len(made.tokens):
        print(f"and {left:,} more: --limit {made.total} lists all")


def _rows(tokens: Iterable[Token]) -> Iterator[tuple[str, ...]]:
    labels = _labels()
    for n, token in enumerate(tokens):
        raw = token.bytes[:24].hex(" ") + (f" … {len(token.bytes):,} bytes" if len(token.bytes) > 24 else "")
        label = labels.of(token.bytes[:60]).text + ("…" if len(token.bytes) > 60 else "")
        yield (
            str(n),
            str(token.id) if token.id >= 0 else "none",
            label,
            raw,
            f"{token.char_start}-{token.char_end}",
            f"{token.byte_start}-{token.byte_end}",
        )


def _line(row: Sequence[str], widths: Sequence[int], room: int | None) -> str:
    from rich.cells import cell_len, set_cell_size

    cells = []
    for n, (cell, width) in enumerate(zip(row, widths, strict=True)):
        gap = " " * max(0, width - cell_len(cell))
        cells.append(gap + cell if n < 2 else cell + gap)  # numbers stand to the right
    line = "  ".join(cells).rstrip()
    return set_cell_size(line, room).rstrip() if room and cell_len(line) > room else line


def _print_comparison(made: Sequence[TokenReport]) -> None:
    most = max(r.total for r in made) or 1
    print(f"{made[0].characters:,} characters, {made[0].bytes:,} bytes, {made[0].words:,} words")
    print()
    rows: list[tuple[str, ...]] = [
        (
            r.tokenizer,
            f"{r.total:,}",
            "█" * round(_BAR * r.total / most) if draws() else "",
            "–" if r.bytes_per_token is None else f"{r.bytes_per_token:.2f}",
            "–" if r.tokens_per_word is None else f"{r.tokens_per_word:.2f}",
            f"{r.vocab_size:,}",
            f"{r.unknown:,}: {_pieces(r.unknown_pieces, 5)}" if r.unknown else "–",
        )
        for r in made
    ]
    for line in table(("tokenizer", "tokens", "", "bytes/token", "tokens/word", "entries", "unknown"), rows):
        print(line)


def decoded(tokenizer: Tokenizer, ids: list[int], as_json: bool) -> int:
    """Prints the text of some ids."""
    from lab.cli.writing import write_clean

    text = tokenizer.decode(ids)
    if as_json:
        pieces = [{"id": i, "bytes": (raw := tokenizer.token_bytes(i)).hex(), "text": _lossy(raw)} for i in ids]
        print_json({"tokenizer": tokenizer.name, "text": text, "list": pieces})
    else:
        write_clean(text if text.endswith("\n") else text + "\n")
    return 0


def _lossy(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def found(tokenizer: Tokenizer, query: str, limit: int, as_json: bool) -> int:
    """Prints the entries of a vocabulary that a query finds."""
    from core.tokenizers.inspect import search

    result = search(query, tokenizer, limit)
    if as_json:
        print_json({"tokenizer": tokenizer.name, **result.to_dict()})
        return 0
    labels = _labels()
    print(f"{tokenizer.name}: {_many(result.total, 'entry').replace('entrys', 'entries')} for {query!r}")
    rows: list[tuple[str, ...]] = [
        (str(e.id), labels.of(e.bytes).text, e.bytes.hex(" "), "special" if e.special else "") for e in result.entries
    ]
    for line in table(("id", "token", "bytes", ""), rows) if rows else ():
        print(line)
    return 0


def steps(tokenizer: Tokenizer, word: str, as_json: bool) -> int:
    """Prints how a byte-pair encoding builds the tokens of a word, a merge a line."""
    from core.tokenizers.bpe import BPETokenizer

    ours = BPETokenizer.of(tokenizer)
    if ours is None:
        raise InputError(f"expected a tokenizer with merges, {tokenizer.name} has none", "gpt2 and bpe:NAME have them")
    words = ours.words(word)
    longest = max((len(piece.encode()) for piece in words), default=0)
    if not 0 < longest <= _LONGEST_WORD:  # every step shows the whole word, so that they grow with its square
        raise InputError(
            f"expected a word of 1 to {_LONGEST_WORD:,} bytes after --steps, got {longest:,}",
            "for example --steps lowest",
        )
    done = [(piece, list(ours.encode_steps(piece))) for piece in words]
    if as_json:
        print_json({"tokenizer": ours.name, "words": [_steps_json(piece, made) for piece, made in done]})
        return 0
    labels = _labels()
    for piece, made in done:
        print(labels.of(piece.encode()).text)
        rows: list[tuple[str, ...]] = [
            (
                str(n),
                "│".join(labels.of(part).text for part in step.pieces),
                "" if step.merged is None else labels.of(step.merged).text,
                "" if step.token_id is None else str(step.token_id),
            )
            for n, step in enumerate(made)
        ]
        for line in table(("", "pieces", "merged", "id"), rows):
            print(f"  {line}")
    return 0


def _steps_json(piece: str, made: Sequence[Any]) -> dict[str, Any]:
    return {
        "word": piece,
        "steps": [
            {
                "pieces": [part.hex() for part in step.pieces],
                "merged": None if step.merged is None else step.merged.hex(),
                "id": step.token_id,
                "rank": step.rank,
            }
            for step in made
        ],
    }


def listing(as_json: bool) -> int:
    """Prints which tokenizers can be named here."""
    from core.tokenizers import list_tokenizers

    refs = list_tokenizers()
    if as_json:
        print_json({"tokenizers": [ref.to_dict() for ref in refs]})
        return 0
    rows: list[tuple[str, ...]] = [
        (
            ref.name,
            "of its text"
            if ref.vocab_size is None and ref.needs_text
            else f"{ref.vocab_size:,}"
            if ref.vocab_size
            else "?",
            "here" if ref.here else "missing",
            ref.note,
        )
        for ref in refs
    ]
    for line in table(("name", "entries", "", "what it is"), rows):
        print(line)
    return 0
