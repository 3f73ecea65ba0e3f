"""How the tokens screen leaves the app, and the numbers of its lesson; both from the reading that the panes show."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.tokens.view import decimals
from screens.widgets.merge_view import piece_text
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.tokenizers import Token
    from core.tokenizers.inspect import TokenReport
    from screens.tokens.build import Learning
    from screens.tokens.reader import Compared, Known, Reading
    from screens.tokens.texts import Source

COLUMNS = ("index", "id", "text", "bytes", "char_start", "char_end", "byte_start", "byte_end")
IN_FULL = 20_000
"""Tokens up to which JSON tells everything of each; of more, the ids."""


class Rows(Sequence[tuple[Any, ...]]):
    """Every token as a row, made when it is asked for."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        token = self._tokens[index]
        place = (token.char_start, token.char_end, token.byte_start, token.byte_end)
        return (index if index >= 0 else index + len(self), token.id, token.text, token.bytes.hex(), *place)


def _ids(reading: Reading) -> list[int]:
    return reading.cut.id_list if reading.cut is not None else []


def text_python(source: Source, cut: int) -> str:
    """Python that gives the text."""
    made = source.python or repr(source.text)
    return f"{made}.encode()[:{cut}].decode(errors='ignore')" if cut else made


def preamble(known: Known, source: Source, reading: Reading) -> str:
    """The lines that every snippet begins with: the text, and the tokenizer."""
    return f"import core\n{known.needs}\ntokenizer = {known.python}\ntext = {text_python(source, reading.cut_at)}\n"


def tokens_of(reading: Reading, source: Source, compared: Sequence[Compared]) -> TakeAwayRequest | None:
    """The tokens, as Python, command, JSON and a table."""
    known, report = reading.known, reading.report
    if known is None or report is None:
        return None
    python = (
        f"from core.tokenizers.inspect import inspect\n\n{preamble(known, source, reading)}"
        "report = inspect(text, tokenizer)\nprint(report.ids)\n"
    )
    short = len(reading.tokens) <= IN_FULL and len(report.tokens) == len(reading.tokens)
    data = report.to_dict() if short else {**report.summary(), "ids": _ids(reading)}
    return TakeAwayRequest(
        what="tokens",
        python=python,
        command=command(known, source) if known.command and source.text and not reading.cut_at else "",
        data={**data, "compared": [row.to_dict() for row in compared]},
        table=(COLUMNS, Rows(reading.tokens)),
        figure=_bars(compared),
        link="llm-lab open tokenizer",
    )


def command(known: Known, source: Source) -> str:
    """The command line that prints the same: over the corpus, the file, or the text itself."""
    name, *more = known.command
    if source.part != "all":
        return ""  # `tokenize` takes a corpus whole
    word, flags = source.word or source.text, [*more, "--plain-special", "--json"]
    if not source.word and _means_a_file(word):
        return ""
    if word.startswith("-"):
        return shlex.join(["llm-lab", "tokenize", *flags, "--", name, word])
    return shlex.join(["llm-lab", "tokenize", name, word, *flags])


def _is_named(name: str) -> bool:
    """Whether ``get_tokenizer`` knows the name; a model's own has none."""
    from core.tokenizers import TOKENIZERS

    return name in TOKENIZERS or name.startswith("bpe:")


def _means_a_file(word: str) -> bool:
    """Whether the command line would take a text for the name of a file or of a corpus."""
    from core.data.corpora import CORPORA

    return word in CORPORA or (len(word) < 255 and "\n" not in word and "\0" not in word and Path(word).exists())


def vocabulary_of(reading: Reading, query: str, found: Any) -> TakeAwayRequest | None:
    """A search in the vocabulary."""
    known = reading.known
    if known is None:
        return None
    python = (
        f"from core.tokenizers.inspect import search\n\nimport core\n{known.needs}\ntokenizer = {known.python}\n"
        f"found = search({query!r}, tokenizer)\nprint(found.total)\n"
        "for entry in found.entries:\n    print(entry.id, entry.bytes)\n"
    )
    rows = [(entry.id, entry.text, entry.bytes.hex(), entry.special) for entry in found.entries]
    return TakeAwayRequest("vocabulary", python, data=found.to_dict(), table=(("id", "text", "bytes", "special"), rows))


def windows_of(reading: Reading, source: Source, numbers: tuple[int, int, int]) -> TakeAwayRequest | None:
    """The windows over the text."""
    known, report = reading.known, reading.report
    if known is None or report is None:
        return None
    context, stride, batch = numbers
    python = (
        f"import numpy as np\n\n{preamble(known, source, reading)}"
        "ids = np.array(tokenizer.encode(text, disallowed_special=()))\n"
        f"windows = core.Windows(ids, context_length={context}, stride={stride})\n"
        "print(len(windows))\n"
        "inputs, targets = windows[0]\nprint(inputs.tolist())\nprint(targets.tolist())\n"
    )
    ids = _ids(reading)
    count = max(0, (len(ids) - context - 1) // stride + 1)
    data = {"tokens": len(ids), "context_length": context, "stride": stride, "batch_size": batch, "windows": count}
    flags = ["--context-length", str(context), "--stride", str(stride), "--batch-size", str(batch)]
    line = ""
    if source.word and known.command and _is_named(known.command[0]) and not reading.cut_at:
        tokenizer = ["--tokenizer", known.command[0], "--part", source.part]
        line = shlex.join(["llm-lab", "windows", source.word, *tokenizer, *flags])
    return TakeAwayRequest("windows", python, line, data)


def learning_of(learning: Learning, source: Source) -> TakeAwayRequest:
    """A training: the same merges again."""
    plan = learning.plan
    text = f"core.load_corpus({plan.corpus!r})" if plan.corpus else text_python(source, 0)
    python = (
        "import core\nfrom core.tokenizers.bpe import BPETokenizer\n\n"
        f"text = {text}\n"
        f"for step in BPETokenizer.train_steps(text, {plan.vocab_size}):\n"
        "    print(step.index, step.left, step.right, step.count, step.compression)\n"
    )
    word = plan.corpus or (source.word if source.part == "all" else "")
    line = ""
    if word:
        line = shlex.join(["llm-lab", "train-tokenizer", word, "--vocab-size", str(plan.vocab_size), "-o", plan.name])
    steps = learning.steps[:]
    rows = [(s.index, s.token_id, s.left.hex(), s.right.hex(), s.count, s.tokens_left, s.compression) for s in steps]
    header = ("merge", "id", "left", "right", "count", "tokens", "bytes_per_token")
    data = {"vocab_size": plan.vocab_size, "merges": [dict(zip(header, row, strict=True)) for row in rows]}
    return TakeAwayRequest("build", python, line, data, (header, rows), _curve(rows) if rows else None)


def _bars(compared: Sequence[Compared]) -> Callable[[Path], None] | None:
    rows = [row for row in compared if row.error is None and row.bytes_per_token is not None]
    if not rows:
        return None

    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        sheet = Print(figsize=(6, 3), dpi=150)
        axes = sheet.add_subplot()
        axes.barh([row.label for row in rows], [row.bytes_per_token or 0.0 for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel("bytes per token")
        sheet.savefig(path, bbox_inches="tight")

    return save


def _curve(rows: Sequence[tuple[Any, ...]]) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        sheet = Print(figsize=(6, 3.5), dpi=150)
        axes = sheet.add_subplot()
        axes.plot([row[0] for row in rows], [row[-1] for row in rows])
        axes.set_xlabel("merges")
        axes.set_ylabel("bytes per token")
        sheet.savefig(path, bbox_inches="tight")

    return save


def lesson_values(reading: Reading | None, index: int, merges: Sequence[Any], word: str) -> dict[str, str]:
    """The live numbers of lesson L1."""
    if reading is None or reading.report is None or reading.known is None or not reading.tokens:
        return {}
    report, known = reading.report, reading.known
    token = reading.tokens[min(index, len(reading.tokens) - 1)]
    per_token = report.bytes_per_token or 0.0
    return {
        "name": known.label,
        "tokens": f"{report.total:,}",
        "characters": f"{report.characters:,}",
        "bytes": f"{report.bytes:,}",
        "bytes_per_token": decimals(report.bytes_per_token),
        "tokens_per_word": decimals(report.tokens_per_word),
        "vocab_size": f"{report.vocab_size:,}",
        "token": piece_text(token.bytes),
        "token_id": str(token.id) if token.id >= 0 else "none",
        "token_hex": token.bytes.hex(" "),
        "chars": f"{token.char_start:,} to {token.char_end:,}",
        "origin": _origin(reading, token.id),
        "story": _story(merges, word),
        "digits": cut_of(reading, " 12345"),
        "page": f"{round(1024 * per_token):,}",
        "unknown": _unknown(report),
    }


def cut_of(reading: Reading, text: str) -> str:
    """How the current tokenizer cuts a short text."""
    from core.tokenizers.inspect import inspect

    assert reading.known is not None
    tokens = inspect(text, reading.known.tokenizer).tokens
    return "│".join("⟨?⟩" if token.id < 0 else piece_text(token.bytes) for token in tokens)


def _origin(reading: Reading, token_id: int) -> str:
    bpe = reading.bpe
    if bpe is None or token_id < 0:
        return "It was not merged from others: this kind of tokenizer looks pieces up as they are."
    node, rank = bpe.merge_tree(token_id), bpe.rank_of(token_id)
    if node.left is None or node.right is None:
        return "It is one of the 256 bytes that every vocabulary of this kind begins with."
    of = f"`{piece_text(node.left.bytes)}` + `{piece_text(node.right.bytes)}`"
    return f"It was merged from {of}, as number {rank:,} of {bpe.n_merges:,} merges."


def _story(merges: Sequence[Any], word: str) -> str:
    if len(merges) < 2:
        return (
            "Byte-pair encoding starts with single bytes and merges neighbours, those learnt first going first; press "
            "`c` and choose gpt2, or `b` to build one, and this paragraph will tell the word under the cursor."
        )
    last = "│".join(piece_text(piece) for piece in merges[-1].pieces)
    steps = "1 merge" if len(merges) == 2 else f"{len(merges) - 1} merges"
    return (
        f"`{piece_text(word.encode())}` begins as {len(merges[0].pieces)} bytes. The pair that was learnt first is "
        f"merged first, whatever stands left or right: after {steps} it is `{last}`, and no two neighbours make an "
        "entry any more."
    )


def _unknown(report: TokenReport) -> str:
    if not report.unknown:
        return "Here every character has its place in the table."
    shown = " ".join(piece_text(piece.encode()) for piece in report.unknown_pieces[:6])
    return f"Here {report.unknown:,} {'has' if report.unknown == 1 else 'have'} none: {shown}."
