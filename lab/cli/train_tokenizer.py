"""``llm-lab train-tokenizer CORPUS``: learn a byte-pair encoding from a text, and keep it under a name."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from core.errors import InputError
from core.files import Beside, encodable, write_error
from lab.cli.commands import PROGRAM
from lab.cli.drawing import drawing_console
from lab.cli.entry import INTERRUPTED
from lab.cli.progress import choose_display, drawable, duration, fetch_text_first
from lab.cli.report import print_json, two_lines

if TYPE_CHECKING:
    from rich.progress import Task

    from core.data.corpora import Corpus
    from core.tokenizers.bpe import BPETokenizer, BPETraining, MergeStep

_DRAWN = 0.1  # seconds between two pictures of the bar


def train_tokenizer(
    corpus: Annotated[str, Parameter(name="CORPUS", help="A text to learn from: a corpus by name, a file, a folder.")],
    /,
    *,
    vocab_size: Annotated[
        int, Parameter(help="Entries of the vocabulary: 256 bytes, the special tokens, and the merges.")
    ] = 5000,
    output: Annotated[
        str | None,
        Parameter(
            name=["--output", "-o"],
            help="A folder to write tokenizer.json into; left out, the cache's tokenizers/CORPUS-N.",
        ),
    ] = None,
    pattern: Annotated[
        str, Parameter(help="What cuts a text into words: gpt2, cl100k, o200k, or a regular expression.")
    ] = "gpt2",
    special: Annotated[
        str, Parameter(help="Special tokens, with commas between; an empty text for none.")
    ] = "<|endoftext|>",
    force: Annotated[bool, Parameter(negative="", help="Replace a tokenizer that is there already.")] = False,
    as_json: Annotated[
        bool,
        Parameter(name="--json", negative="", help="Print JSON, a line for each merge, then one for the whole."),
    ] = False,
) -> int:
    """Learns a byte-pair encoding from a text.

    What stands in the cache folder is used by its bare name: --tokenizer bpe:NAME. ctrl-C and SIGTERM leave nothing
    behind. With --json each merge is a line.
    """
    from core.data.corpora import corpus as read
    from core.tokenizers.bpe import BPETokenizer
    from core.tokenizers.listing import trained_folder

    folder = Path(output).expanduser() if output else trained_folder() / default_name(corpus, vocab_size)
    _must_be_free(folder, force)
    display = choose_display("", as_json)
    names = [token for token in special.split(",") if token]
    BPETokenizer.train_steps(
        "", vocab_size, pattern=_pattern(pattern), special_tokens=names
    )  # says what is wrong first
    fetch_text_first(corpus, display)
    text = read(corpus)
    training = BPETokenizer.train_steps(text.text, vocab_size, pattern=_pattern(pattern), special_tokens=names)
    began = time.monotonic()
    try:
        tokenizer, last = _learn(training, text, folder, as_json)
    except KeyboardInterrupt as stopped:
        if as_json:
            print_json({"kind": "interrupted", "merges": training.learnt})
        else:
            two_lines(f"stopped after {training.learnt:,} merges: nothing was written", "the same command starts anew")
        return 128 + stopped.args[0] if stopped.args else INTERRUPTED
    seconds = time.monotonic() - began
    if as_json:
        print_json(_summary(tokenizer, folder, last, seconds))
    else:
        _tell(tokenizer, folder, last, seconds, vocab_size)
    return 0


def _learn(training: BPETraining, text: Corpus, folder: Path, as_json: bool) -> tuple[BPETokenizer, MergeStep | None]:
    """Learns to the end, showing how far it is, and writes what was learnt; with it, the last merge.

    Raises:
        KeyboardInterrupt: it was stopped; nothing is written then.
    """
    show = _lines if as_json else _bar if drawable() else _quiet
    last = None
    with _stopped_like_ctrl_c():
        for step in show(training, len(text.text), text.name):
            last = step
        tokenizer = training.tokenizer()
        save(tokenizer, folder)
    return tokenizer, last


@contextmanager
def _stopped_like_ctrl_c() -> Iterator[None]:
    """While inside, SIGTERM and a closed terminal raise KeyboardInterrupt too, with their number."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # Python lets no other set handlers
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def default_name(corpus: str, vocab_size: int) -> str:
    """What a tokenizer is called after its text and its size.

    >>> default_name("texts/My Book.txt", 512), default_name("tiny-shakespeare", 5000)
    ('My-Book-512', 'tiny-shakespeare-5000')
    """
    stem = Path(encodable(corpus)).expanduser().resolve().stem
    plain = re.sub(r"[^\w.+-]+", "-", stem).strip(".-")
    return f"{plain or 'bpe'}-{vocab_size}"


def _pattern(word: str) -> str:
    from core.tokenizers.vocabularies import CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN

    return {"gpt2": GPT2_PATTERN, "cl100k": CL100K_PATTERN, "o200k": O200K_PATTERN}.get(word, word)


def _must_be_free(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"expected a folder to write into, {folder} is a file", "name another with -o")
    if (folder / "tokenizer.json").exists() and not force:
        raise InputError(f"{folder} holds a tokenizer already", "--force replaces it, -o names another folder")


def save(tokenizer: BPETokenizer, folder: Path) -> None:
    """Writes ``tokenizer.json`` so that the folder comes into being with the whole file in it.

    Raises:
        DiskFullError: no space is left; nothing is there then.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            tokenizer.save(folder)
            return
        with Beside(folder) as new:
            new.path.mkdir()
            tokenizer.save(new.path)
            new.put()
    except OSError as error:
        raise write_error(folder, error) from error


def _lines(training: BPETraining, characters: int, name: str) -> Iterator[MergeStep]:
    for step in training:
        print_json(
            {
                "kind": "merge",
                "index": step.index,
                "total": step.total,
                "left": step.left.hex(),
                "right": step.right.hex(),
                "token": step.token.hex(),
                "text": step.token.decode("utf-8", "replace"),
                "id": step.token_id,
                "count": step.count,
                "tokens": step.tokens_left,
                "bytes_per_token": step.compression,
            }
        )
        yield step


def _quiet(training: BPETraining, characters: int, name: str) -> Iterator[MergeStep]:
    yield from training


def _bar(training: BPETraining, characters: int, name: str) -> Iterator[MergeStep]:
    """A bar that counts the text's words first, and then follows the merges."""
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    from screens.widgets.token_strip_labels import Labels

    labels = Labels()

    class Facts(ProgressColumn):
        """Where it stands; looked up whenever the bar is drawn, since counting words has no steps."""

        def render(self, task: Task) -> Text:
            if task.fields["step"] is None:
                return Text(f"counting words: {training.characters_read / max(1, characters):.0%}")
            step: MergeStep = task.fields["step"]
            return Text(
                f"{step.index:,}/{step.total:,}  {labels.of(step.token[:24]).text}  {step.compression:.2f} bytes/token"
            )

    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(bar_width=None)]
    with Progress(*columns, Facts(), transient=True, expand=True, console=drawing_console()) as bar:
        task = bar.add_task(name, total=None, step=None)
        drawn = 0.0
        for step in training:
            now = time.monotonic()
            if now - drawn >= _DRAWN:
                drawn = now
                bar.update(task, total=step.total, completed=step.index, step=step)
            yield step


def _name(folder: Path) -> str:
    from core.tokenizers.listing import trained_folder

    return f"bpe:{folder.name}" if folder.parent == trained_folder() else f"bpe:{folder}"


def _summary(tokenizer: BPETokenizer, folder: Path, last: MergeStep | None, seconds: float) -> dict[str, Any]:
    return {
        "kind": "tokenizer",
        "name": _name(folder),
        "path": str(folder),
        "vocab_size": tokenizer.vocab_size,
        "merges": last.index if last else 0,
        "bytes_per_token": last.compression if last else 1.0,
        "fingerprint": tokenizer.fingerprint,
        "seconds": seconds,
    }


def _tell(tokenizer: BPETokenizer, folder: Path, last: MergeStep | None, seconds: float, asked: int) -> None:
    compression = f"{last.compression:.2f} bytes per token" if last else "no merges"
    print(f"{_name(folder)}: {tokenizer.vocab_size:,} entries in {duration(seconds)} · {compression} · {folder}")
    if tokenizer.vocab_size < asked:
        print(f"the text has no more pairs to merge: {asked:,} entries were asked for")
    print(f"use it: {PROGRAM} tokenize {_name(folder)} 'a text', or {PROGRAM} train --tokenizer {_name(folder)}")
