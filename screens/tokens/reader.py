"""What the tokens screen asks core, in a thread: the tokens of the text, and what others make of the same text.

The reader keeps what it has loaded, so that a key press costs only the encoding. It is used by one thread at a time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LabError, RunError, TokenizerError
from screens.tokens.texts import BESIDE, SHOWN, clipped

if TYPE_CHECKING:
    from core.tokenizers import Token, Tokenizer
    from core.tokenizers.bpe import BPETokenizer
    from core.tokenizers.inspect import TokenReport
    from screens.tokens.cut import Cut

OWN = ""
"""The name that stands for the tokenizer of the model on the workbench."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read."""

    number: int
    """Rises with each change; an answer to an older one is thrown away."""
    text: str
    name: str
    """A tokenizer's name, or ``OWN``."""
    model: str
    """The model on the workbench."""
    others: tuple[str, ...] = ()
    """Tokenizers that the same text is shown with."""


@dataclass(frozen=True, slots=True)
class Known:
    """A tokenizer that is loaded."""

    name: str
    """What ``get_tokenizer`` calls it; of a model's own, what it calls itself."""
    label: str
    tokenizer: Tokenizer
    python: str
    """Python that makes the same one; it uses ``core``."""
    command: tuple[str, ...]
    """How the command line names it; empty where it cannot."""
    note: str = ""
    needs: str = ""
    """A line of imports that ``python`` stands on."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of the comparison: what one tokenizer makes of the text, or why it cannot."""

    name: str
    label: str
    tokens: int = 0
    bytes_per_token: float | None = None
    tokens_per_word: float | None = None
    vocab_size: int = 0
    note: str = ""
    unknown: tuple[str, ...] = ()
    error: LabError | None = None
    here: bool = True
    cut: Cut | None = None
    """Its tokens; of a long text those of its beginning."""

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        if self.error is not None:
            return {"tokenizer": self.label, "error": self.error.to_dict()}
        return {
            "tokenizer": self.label,
            "tokens": self.tokens,
            "bytes_per_token": self.bytes_per_token,
            "tokens_per_word": self.tokens_per_word,
            "vocab_size": self.vocab_size,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer: tokens, or why there are none."""

    wanted: Wanted
    known: Known | None = None
    cut: Cut | None = None
    bpe: BPETokenizer | None = None
    """The same vocabulary from scratch, whose merges can be followed; None for other kinds."""
    seconds: float = 0.0
    cut_at: int = 0
    """Bytes shown of a longer text; 0: all."""
    error: LabError | None = None

    @property
    def report(self) -> TokenReport | None:
        """The counts."""
        return self.cut.report if self.cut is not None else None

    @property
    def tokens(self) -> Sequence[Token]:
        """The tokens; none where they could not be had."""
        return self.cut.tokens if self.cut is not None else ()


@dataclass
class TokensReader:
    """Loads tokenizers and asks them."""

    _loaded: dict[tuple[str, str], Known] = field(default_factory=dict)
    _bpe: dict[int, BPETokenizer | None] = field(default_factory=dict)
    _asked: set[int] = field(default_factory=set)

    def read(self, wanted: Wanted) -> Reading:
        """The tokens of the text."""
        try:
            known = self.known(wanted.name, wanted.model)
            bpe = self.bpe_of(known)
            text, cut_at = shown_part(wanted.text)
            from screens.tokens.cut import cut

            if id(known.tokenizer) not in self._asked:
                self._asked.add(id(known.tokenizer))
                cut(" ", known.tokenizer)  # a vocabulary is built when it is first asked: that is not the text's time
            began = time.perf_counter()
            found = cut(text, known.tokenizer)
            seconds = time.perf_counter() - began
        except LabError as error:
            return Reading(wanted, error=error)
        return Reading(wanted, known, found, bpe, seconds, cut_at)

    def compare(self, wanted: Wanted, reading: Reading) -> tuple[Compared, ...]:
        """The same text with the others; the current tokenizer is first unless it is among them."""
        current = reading.known
        names = list(wanted.others)
        if wanted.name not in names:
            names.insert(0, wanted.name)
        # Another name may mean the same, as ``gpt2`` does for a model of GPT-2's: that is one row.
        shown: dict[tuple[str, int] | str, Compared] = {}
        for name in dict.fromkeys(names):
            if name == wanted.name and current is not None and reading.report is not None:
                row = _row(name, current, reading.report, beginning(reading.wanted.text, current, reading.cut))
            else:
                row = self._compared(name, wanted)
            key = name if row.error is not None else (row.label, row.vocab_size)
            if key not in shown or name == wanted.name:
                shown[key] = row
        return tuple(shown.values())

    def _compared(self, name: str, wanted: Wanted) -> Compared:
        from core.tokenizers.inspect import inspect

        try:
            known = self.known(name, wanted.model)
            text, _ = shown_part(wanted.text)
            found = beginning(text, known)
            short = len(text) <= BESIDE
            return _row(name, known, found.report if short else inspect(text, known.tokenizer, limit=0), found)
        except LabError as error:
            return Compared(name, name or "the model's", error=error, here=is_here(name))

    def known(self, name: str, model: str) -> Known:
        """A tokenizer by name, loaded once; ``OWN`` is the model's.

        Raises:
            LabError: it is not on this machine, or cannot be read.
        """
        key = (name, model if name == OWN else "")
        if key not in self._loaded:
            self._loaded[key] = own_tokenizer(model) if name == OWN else named_tokenizer(name)
        return self._loaded[key]

    def bpe_of(self, known: Known) -> BPETokenizer | None:
        """Its from-scratch twin, built once."""
        key = id(known.tokenizer)
        if key not in self._bpe:
            from core.tokenizers.bpe import BPETokenizer

            bpe = self._bpe[key] = BPETokenizer.of(known.tokenizer)
            if bpe is not None:
                bpe.rank_of(0)  # sorts its merges, which would hold up the first cursor move
        return self._bpe[key]

    def forget(self, name: str) -> None:
        """One is another now: trained anew, or fetched."""
        self._loaded = {key: known for key, known in self._loaded.items() if key[0] != name}
        # Of those that are here alone: another may come to have the number of one that is gone.
        here = {id(known.tokenizer) for known in self._loaded.values()}
        self._bpe = {number: bpe for number, bpe in self._bpe.items() if number in here}
        self._asked &= here


def shown_part(text: str) -> tuple[str, int]:
    """What is shown of a text, and how many bytes that is where it is not all."""
    part = clipped(text, SHOWN)
    return part, 0 if len(part) == len(text) else len(part.encode())


def beginning(text: str, known: Known, whole: Cut | None = None) -> Cut:
    """The tokens of a text, of a long one those of its beginning."""
    from screens.tokens.cut import cut

    if whole is not None and len(text) <= BESIDE:
        return whole
    return cut(text[:BESIDE], known.tokenizer)


def _row(name: str, known: Known, report: TokenReport, cut: Cut) -> Compared:
    return Compared(
        name,
        known.label,
        report.total,
        report.bytes_per_token,
        report.tokens_per_word,
        report.vocab_size,
        known.note,
        report.unknown_pieces,
        cut=cut,
    )


def is_here(name: str) -> bool:
    """Whether a tokenizer needs no network; what cannot be named is not here."""
    from core.tokenizers import tokenizer_is_here

    try:
        return name == OWN or tokenizer_is_here(name)
    except LabError:
        return False


def named_tokenizer(name: str) -> Known:
    """One of ``get_tokenizer``'s that needs no network; what needs a text is made from the best corpus here.

    Raises:
        TokenizerError: its vocabulary is not here; the hint says how to get it.
        LabError: it cannot be read.
    """
    from core.tokenizers import NEEDS_TEXT, get_tokenizer

    if name in NEEDS_TEXT:
        corpus = vocabulary_corpus()
        from core.data.corpora import load_corpus

        tokenizer = get_tokenizer(name, load_corpus(corpus))
        python = f"core.get_tokenizer({name!r}, core.load_corpus({corpus!r}))"
        return Known(name, name, tokenizer, python, (name, "--from", corpus), f"from {corpus}")
    if not is_here(name):
        from core.tokenizers import check_tokenizer

        check_tokenizer(name)
        raise missing(name)
    label = name.removeprefix("bpe:")
    note = "trained here" if name.startswith("bpe:") else ""
    return Known(name, label, get_tokenizer(name), f"core.get_tokenizer({name!r})", (name,), note)


def pull_name(name: str) -> str:
    """What ``llm-lab pull`` calls the vocabulary of a tokenizer: ``gpt2`` alone would be the whole model.

    >>> pull_name("gpt2"), pull_name("cl100k_base")
    ('gpt2-vocabulary', 'cl100k_base')
    """
    return "gpt2-vocabulary" if name == "gpt2" else name


def missing(name: str) -> TokenizerError:
    """The two lines for a vocabulary that would have to be fetched."""
    return TokenizerError(
        f"the vocabulary of {name} is not on this machine",
        f"llm-lab pull {pull_name(name)} fetches it once; words, char, byte and what was trained here need no network",
    )


def vocabulary_corpus() -> str:
    """The corpus that word and character vocabularies are made from: the classic one if it is here."""
    from core.data.corpora import is_available

    return "tiny-shakespeare" if is_available("tiny-shakespeare") else "python-docs"


def own_tokenizer(model: str) -> Known:
    """The tokenizer of a model, without its weights.

    Raises:
        LabError: the model means nothing here, or its tokenizer is not on this machine.
    """
    from core.shelf import split_spec
    from core.tokenizers import load_tokenizer
    from core.training.runs import open_run

    if model.startswith(("gpt2", "openai:")):
        return _renamed(named_tokenizer("gpt2"), model)
    name = split_spec(model)[0]
    try:
        run = open_run(name)
    except RunError:
        return _of_weights(model)
    tokenizer = load_tokenizer(run.path)
    python = f"load_tokenizer(open_run({name!r}).path)"
    needs = "from core.tokenizers import load_tokenizer\nfrom core.training.runs import open_run\n"
    return Known(tokenizer.name, tokenizer.name, tokenizer, python, (name,), f"of {model}", needs)


def _of_weights(model: str) -> Known:
    """The tokenizer beside weights that are no run's.

    Raises:
        LabError: the model means nothing here, or brings no tokenizer.
    """
    from core.weights.locate import locate
    from core.weights.tokenizer_files import tokenizer_of

    where = locate(model)
    tokenizer = tokenizer_of(where.folder, where.config)
    command = (model,) if (where.folder / "tokenizer.json").is_file() and Path(model).is_dir() else ()
    python = f"core.load_model({model!r}).tokenizer"
    return Known(tokenizer.name, tokenizer.name, tokenizer, python, command, f"of {model}")


def _renamed(known: Known, model: str) -> Known:
    return Known(known.name, known.label, known.tokenizer, known.python, known.command, f"of {model}")
