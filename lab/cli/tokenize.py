"""``llm-lab tokenize NAME TEXT``: what a tokenizer makes of a text; several compared, ids decoded, entries found."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from core.errors import InputError
from lab.cli import tokenize_show as show
from lab.cli.commands import PROGRAM
from lab.cli.control import AsJson
from lab.cli.prompt import is_file

if TYPE_CHECKING:
    from core.tokenizers import Tokenizer

_NAME = "words-v1, words-v2, char, byte, gpt2, another of tiktoken's, bpe:NAME, or a run (--list shows what is here)."
_SOURCE = "A text, the path of a text file, the name of a corpus, or - for standard input."

Name = Annotated[str | None, Parameter(name="NAME", help=_NAME)]
Source = Annotated[str | None, Parameter(name="TEXT|FILE|-", help=_SOURCE, allow_leading_hyphen=True)]


def _option(name: str, text: str, *, switch: bool = False) -> Parameter:
    return Parameter(name=name, help=text, show_default=False, negative="" if switch else None)


def tokenize(
    name: Name = None,
    source: Source = None,
    /,
    *,
    compare: Annotated[str | None, _option("--compare", "Other tokenizers on the same text: A,B.")] = None,
    allowed_special: Annotated[
        bool, _option("--allowed-special", "Special tokens in the text stand for themselves.", switch=True)
    ] = False,
    plain_special: Annotated[
        bool, _option("--plain-special", "The text of special tokens is plain text.", switch=True)
    ] = False,
    made_from: Annotated[
        str | None, _option("--from", "The corpus that char and words are made from; without it, the text itself.")
    ] = None,
    limit: Annotated[int | None, _option("--limit", "List so many tokens at most; the counts are of all.")] = None,
    decode: Annotated[str | None, _option("--decode", "Print the text of these IDS (464,2835) instead.")] = None,
    find: Annotated[
        str | None, _option("--find", "Search the vocabulary: a text, /regex/, an id, len:3-5, or bytes (0xe280).")
    ] = None,
    steps: Annotated[str | None, _option("--steps", "Show merge by merge how byte-pairs build this WORD.")] = None,
    list_: Annotated[bool, _option("--list", "Show which tokenizers there are.", switch=True)] = False,
    as_json: AsJson = False,
) -> int:
    """Shows how a tokenizer cuts a text: each token with its id, its bytes and its place, and the counts.

    A file that has the name of a corpus is reached as ./NAME. A terminal gets 200 tokens unless --limit says more.
    """
    if source is not None and re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", source):
        raise InputError(
            f"{PROGRAM} tokenize has no option {source.split('=')[0]}",
            f"{PROGRAM} tokenize --help lists what it takes; a text that looks like an option comes through a pipe: -",
        )
    if list_:
        return show.listing(as_json)
    if limit is not None and limit < 0:
        raise InputError(f"--limit must be at least 0, got {limit}", "leave it out to list all")
    others = [word for word in re.split(r"[\s,]+", compare or "") if word]
    asked = [flag for flag, value in (("--decode", decode), ("--find", find), ("--steps", steps)) if value is not None]
    if name is None or len(asked) > 1 or (asked and (others or source is not None)):
        got = " and ".join([*asked, *(["--compare"] if others else []), *(["a text"] if source else [])])
        raise InputError(
            f"expected a tokenizer's NAME and one thing to do with it, got {got if name else 'no NAME'}",
            f"type {PROGRAM} tokenize gpt2 'a text', or {PROGRAM} tokenize --list",
        )
    if asked:
        tokenizer = tokenizer_named(name, None, made_from, as_json)
        if decode is not None:
            return show.decoded(tokenizer, _ids(decode), as_json)
        if find is not None:
            return show.found(tokenizer, find, 100 if limit is None else limit, as_json)
        return show.steps(tokenizer, steps or "", as_json)
    text = read_source(source, as_json)
    if allowed_special and plain_special:
        raise InputError("expected --allowed-special or --plain-special, got both", "leave one out")
    special: Literal["allowed", "plain", "refused"] = (
        "allowed" if allowed_special else "plain" if plain_special else "refused"
    )
    tokenizers = [tokenizer_named(word, text, made_from, as_json) for word in (name, *others)]
    return show.report(text, tokenizers, special, limit, as_json)


def read_source(source: str | None, as_json: bool = False) -> str:
    """The text that TEXT|FILE|- means; a text is a file's where there is one of that name.

    Raises:
        CorpusError: a file that is empty, binary or unreadable.
        InputError: nothing was given, or standard input is no UTF-8.
    """
    if source is None:
        if sys.stdin is None or sys.stdin.isatty():
            raise InputError(f"{PROGRAM} tokenize needs a text, and none came", "give a text, a file, or - and a pipe")
        source = "-"
    if source == "-":
        data = sys.stdin.buffer.read()
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"expected UTF-8 on standard input, got 0x{data[error.start]:02x} at byte {error.start:,}",
                "convert it first: iconv -f LATIN1 -t UTF-8",
            ) from None
    from core.data.corpora import CORPORA, load_corpus
    from lab.cli.progress import choose_display, fetch_text_first

    if source in CORPORA:
        fetch_text_first(source, choose_display("", as_json))
        return load_corpus(source)
    return load_corpus(source) if is_file(source) else source


def tokenizer_named(name: str, text: str | None, made_from: str | None, as_json: bool = False) -> Tokenizer:
    """The tokenizer of a name, or the one that a run brings, with its vocabulary fetched if need be.

    Args:
        name: what was typed.
        text: what ``char`` and words are made from where ``made_from`` names nothing.
        made_from: the corpus that they are made from.
        as_json: whether nothing but JSON may be printed.

    Raises:
        LabError: it means nothing here, or cannot be had.
    """
    from core.tokenizers import BPE, NEEDS_TEXT, TOKENIZERS, get_tokenizer
    from lab.cli.progress import choose_display, fetch_vocabulary_first

    if name in NEEDS_TEXT:
        if made_from is None and text is None:
            raise InputError(
                f"{name} is made from a text, and none came",
                f"name one: --from python-docs, or a run instead of {name}",
            )
        return get_tokenizer(name, text if made_from is None else _learnt_from(made_from, as_json))
    if name in TOKENIZERS or name.startswith(BPE):
        fetch_vocabulary_first(name, choose_display("", as_json))
        return get_tokenizer(name)
    return _of_run(name)


def _learnt_from(made_from: str, as_json: bool) -> str:
    """The text after ``--from``, which a mistyped name is not."""
    from core.data.corpora import load_corpus
    from lab.cli.progress import choose_display, fetch_text_first

    if made_from == "-":
        return read_source(made_from)
    fetch_text_first(made_from, choose_display("", as_json))
    return load_corpus(made_from)


def _of_run(name: str) -> Tokenizer:
    from core.errors import LabError
    from core.shelf import model_names, split_spec
    from core.tokenizers import load_tokenizer, no_such_tokenizer
    from core.training.runs import open_run

    folder = Path(name).expanduser()
    if (folder / "tokenizer.json").is_file():
        return load_tokenizer(folder)
    try:
        run = open_run(split_spec(name)[0])
    except LabError as error:
        raise no_such_tokenizer(name, model_names()) from error
    return load_tokenizer(run.path)


def _ids(typed: str) -> list[int]:
    words = re.split(r"[\s,]+", typed.strip().strip("[]").strip()) if typed.strip("[] \n") else []
    try:
        return [int(word) for word in words]
    except ValueError:
        wrong = next(word for word in words if not re.fullmatch(r"[+-]?\d+", word))
        raise InputError(
            f"expected ids as whole numbers after --decode, got {wrong!r}", "for example --decode 464,2835"
        ) from None
