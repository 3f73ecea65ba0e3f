"""The words and numbers of the tokens screen: titles, sentences, rows of facts. No widget, nothing is computed anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from screens.tokens.reader import pull_name
from screens.widgets.compare_list import CompareRow
from screens.widgets.merge_view import MergeLine, TreeNode, piece_text

if TYPE_CHECKING:
    from core.tokenizers.base import Token
    from core.tokenizers.bpe import BPETokenizer, MergeNode
    from core.tokenizers.inspect import Entry
    from screens.tokens.reader import Compared, Reading

LONGEST_WORD = 120
"""Characters of a word whose merges are shown."""
_AROUND = 400


def amount(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> amount(1, "token"), amount(27, "token"), amount(3, "entry", "entries")
    ('1 token', '27 tokens', '3 entries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Bytes for people.

    >>> size(86), size(1_115_394)
    ('86 bytes', '1.12 MB')
    """
    return (
        amount(count, "byte")
        if count < 10_000
        else f"{count / 1e6:.2f} MB"
        if count >= 1e6
        else f"{count / 1e3:.0f} kB"
    )


def decimals(value: float | None) -> str:
    """A ratio, or a dash."""
    return "–" if value is None else f"{value:.2f}"


def strip_titles(reading: Reading) -> list[str]:
    """The strip's title, the fullest first; a pane takes the first that fits."""
    report, known = reading.report, reading.known
    if report is None or known is None:
        return ["tokens"]
    own = known.note.startswith("of ") and known.note != f"of {known.label}"
    name = known.label + (f" {known.note}" if own else "")
    tokens = amount(report.total, "token")
    per_byte = f"{decimals(report.bytes_per_token)} bytes per token"
    per_word = f"{decimals(report.tokens_per_word)} tokens per word"
    chars = f"{report.characters:,} chars"
    counts = [tokens, chars, size(report.bytes)]
    tail = [f"{amount(report.unknown, 'token')} unknown"] if report.unknown else []
    if reading.cut_at:
        tail.append(f"only the first {reading.cut_at / 1e6:.1f} MB are shown")
    if len(reading.tokens) < report.total:
        tail.append(f"the first {len(reading.tokens):,} tokens are shown")
    return [
        " · ".join(parts)
        for parts in (
            [name, *counts, per_byte, per_word, *tail],
            [known.label, *counts, per_byte, *tail],
            [known.label, tokens, per_byte, *tail],
            [known.label, tokens, f"{decimals(report.bytes_per_token)} B/token"],
            [known.label, tokens],
        )
    ]


def kind_of(token: Token, reading: Reading) -> str:
    """What a token is, in words."""
    if reading.known is not None and token.id in reading.known.tokenizer.special_tokens.values():
        return "a special token"
    if token.id < 0:
        return "not in the vocabulary"
    piece = token.bytes
    text = piece.decode("utf-8", "replace")
    if "\ufffd" in text and b"\xef\xbf\xbd" not in piece:
        return "part of a character" if len(text.strip("\ufffd ")) == 0 else "holds part of a character"
    if not text.strip():
        return "line end" if "\n" in text else "white space"
    bare = text.strip()
    if bare.isnumeric():
        return "digits"
    if not bare.isprintable():
        return "no printable character" if len(bare) == 1 else "holds what cannot be printed"
    if not any(c.isalnum() for c in bare):
        return "punctuation"
    before = reading.wanted.text[max(0, token.char_start - 1) : token.char_start]
    return "inside a word" if before.isalnum() and text[0].isalnum() else "begins a word"


def token_rows(index: int, reading: Reading, seen: int, *, pinned: bool) -> list[Text]:
    """The facts about one token of the text."""
    report = reading.report
    assert report is not None
    token = reading.tokens[index]
    rows = [("text", piece_text(token.bytes) if token.id >= 0 else f"{piece_text(token.bytes)}  shown as ⟨?⟩")]
    bpe = reading.bpe
    rows.append(("id", str(token.id) if token.id >= 0 else "none"))
    rows.append(("bytes", f"{_hex(token.bytes)}   {amount(len(token.bytes), 'byte')}"))
    rows.append(("chars", f"{token.char_start:,}–{token.char_end:,} of the text"))
    rows.append(("kind", kind_of(token, reading)))
    rows.append(("seen", f"{amount(seen, 'time')} in this text" + (" · n next" if seen > 1 else "")))
    rows += origin(bpe, token.id)
    if pinned:
        rows.append(("", "pinned · esc lets go"))
    return [fact(name, value) for name, value in rows]


def origin(bpe: BPETokenizer | None, token_id: int) -> list[tuple[str, str]]:
    """Where an entry of a merged vocabulary comes from; nothing for other kinds."""
    if bpe is None or token_id < 0 or token_id in bpe.special_tokens.values():
        return []
    node, rank = bpe.merge_tree(token_id), bpe.rank_of(token_id)
    rows = [("merge", f"{rank:,} of {bpe.n_merges:,}")] if rank is not None else []
    if node.left is not None and node.right is not None:
        rows.append(("made of", f"{piece_text(node.left.bytes)} + {piece_text(node.right.bytes)}"))
    elif len(node.bytes) == 1:
        rows.append(("made of", "a byte: given from the start"))
    return rows


def entry_rows(entry: Entry, reading: Reading) -> list[Text]:
    """The facts about one entry of the vocabulary."""
    shown = entry.text if entry.special else piece_text(entry.bytes)
    rows = [("text", shown), ("id", str(entry.id))]
    rows.append(("bytes", f"{_hex(entry.bytes)}   {amount(len(entry.bytes), 'byte')}"))
    rows.append(("kind", "a special token" if entry.special else amount(len(entry.text), "character")))
    if not entry.special:
        rows += origin(reading.bpe, entry.id)
    return [fact(name, value) for name, value in rows]


def fact(name: str, value: str) -> Text:
    """One row: its name dim, then the value."""
    text = Text(f"{name:<9}", "dim", no_wrap=True)
    text.append(value, "not dim")
    return text


def _hex(piece: bytes, most: int = 12) -> str:
    shown = piece[:most].hex(" ")
    return shown + (" …" if len(piece) > most else "")


def token_sentence(index: int, reading: Reading, *, pinned: bool = False) -> str:
    """The token under the cursor in a sentence."""
    report = reading.report
    if report is None or not reading.tokens:
        return ""
    token = reading.tokens[index]
    shown = "not in the vocabulary" if token.id < 0 else f"id {token.id}"
    parts = [
        f"token {index + 1:,} of {len(reading.tokens):,} ‘{piece_text(token.bytes)}’",
        shown,
        f"{'byte' if len(token.bytes) == 1 else 'bytes'} {_hex(token.bytes, 8)}",
        f"chars {token.char_start:,}–{token.char_end:,}",
    ]
    return " · ".join(parts + (["pinned"] if pinned else []))


def word_at(bpe: BPETokenizer, text: str, at: int) -> tuple[str, int]:
    """The piece of a text that is merged by itself and holds a character, and where it begins.

    Looks only around the place: pieces are short, and a blank is all that is needed to fall into step.
    """
    start = max(0, at - _AROUND)
    if start:
        space = text.find(" ", start, at)
        start = space if space >= 0 else start
    place = start
    for word in bpe.words(text[start : at + _AROUND]):
        if place <= at < place + len(word):
            return word, place
        place += len(word)
    return "", at


def merge_lines(bpe: BPETokenizer, word: str) -> list[MergeLine]:
    """The steps of a word for the view."""
    return [MergeLine(step.pieces, step.merged, step.token_id, step.rank) for step in bpe.encode_steps(word)]


def tree_of(node: MergeNode) -> TreeNode:
    """The merge tree for the view."""
    left = tree_of(node.left) if node.left is not None else None
    right = tree_of(node.right) if node.right is not None else None
    return TreeNode(node.id, node.bytes, left, right)


def no_merges(reading: Reading) -> str:
    """Why there is nothing to step through."""
    if reading.known is None or reading.report is None:
        return ""
    name = reading.known.tokenizer.name
    said = {
        "char": "Each character of its table is a token: nothing is merged.",
        "byte": "Each byte is a token: nothing is merged.",
        "words-v1": "Text is cut at white space and punctuation; each piece is looked up as it is.",
        "words-v2": "Text is cut at white space and punctuation; each piece is looked up as it is.",
    }.get(name, "This tokenizer merges nothing.")
    return said + "\nc chooses others, b builds one whose merges can be followed."


def compare_rows(compared: Sequence[Compared], current: str) -> list[CompareRow]:
    """The comparison for the list."""
    rows = []
    for item in compared:
        if item.error is not None:
            note = item.error.title if item.here else f"{item.error.title} · llm-lab pull {pull_name(item.name)}"
            rows.append(CompareRow(item.label, None, note, item.name == current))
            continue
        parts = [f"{decimals(item.bytes_per_token):>5} bytes/token", f"{item.vocab_size:,} entries"]
        if item.unknown:
            shown = " ".join(piece_text(piece.encode()) for piece in item.unknown[:6])
            more = " …" if len(item.unknown) > 6 else ""
            parts.append(f"{len(item.unknown)} not in the table: {shown}{more}")
        if item.note:
            parts.append(item.note)
        rows.append(CompareRow(item.label, item.tokens, " · ".join(parts), item.name == current))
    return rows
