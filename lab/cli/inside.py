"""What the commands that look inside a model have in common: the model, the text, where answers go, progress."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Group, Parameter

from core.errors import InputError
from lab.cli.drawing import drawing_console
from lab.cli.prompt import read_text_or_file
from lab.cli.writing import note, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.config import GPTConfig
    from core.model.head_sets import Head
    from core.model.trace import Trace
    from core.tokenizers.base import Tokenizer
    from core.weights.checkpoint import LoadedModel

_WHAT = Group("What is looked at", sort_key=1)
_TAKE = Group("What to take away", sort_key=2)
_Event = TypeVar("_Event")
_SHOWN = 60
"""Characters of a path that a message repeats."""


def option(text: str, *names: str, switch: bool = False, group: Group = _WHAT) -> Parameter:
    """An option of these commands; a value may begin with a hyphen, as ``--position -2`` does."""
    how: dict[str, Any] = {"negative": ""} if switch else {"allow_leading_hyphen": True}
    return Parameter(name=names or None, help=text, show_default=False, group=group, **how)


def _taken(text: str, name: str, switch: bool = False) -> Parameter:
    return option(text, name, switch=switch, group=_TAKE)


ModelName = Annotated[str, Parameter(name="MODEL", help="demo, a run (NAME, NAME@STEP, NAME@best), a path, gpt2, ...")]
Text = Annotated[
    str, Parameter(name="TEXT", help="A text, a text file, or - for standard input.", allow_leading_hyphen=True)
]
Position = Annotated[int, option("Which token, from 0; negative ones count from the end. Default: the last.")]
Off = Annotated[str | None, option("Heads that are switched off meanwhile: 0.3,5.1; 2.* is a layer.", "--off")]
Device = Annotated[str, option("Where it computes: auto, cpu, cuda, mps. Default: auto.")]
AsJson = Annotated[bool, _taken("Print JSON, in full precision.", "--json", switch=True)]
AsSweepJson = Annotated[
    bool, _taken("Print JSON; of a sweep a line for each head as it comes, then one for all.", "--json", switch=True)
]
AsMapsJson = Annotated[bool, _taken("Print JSON, a line for each map; with --steps one object.", "--json", switch=True)]
AsStepsJson = Annotated[
    bool, _taken("Print JSON; with --over-steps a line for each step as it comes.", "--json", switch=True)
]
AsCsv = Annotated[str | None, _taken("Write a table in full precision; - prints it.", "--csv")]
AsPng = Annotated[str | None, _taken("Draw it into a file.", "--png")]
AsSvg = Annotated[str | None, _taken("Draw it into a file, as lines and letters.", "--svg")]


@dataclass(frozen=True)
class Files:
    """Where answers go besides the terminal."""

    csv: str | None = None
    png: str | None = None
    svg: str | None = None
    as_json: bool = False
    """Whether standard output is taken by JSON."""

    def __post_init__(self) -> None:
        if self.csv == "-" and self.as_json:
            raise InputError("--json and --csv - both print, got the two together", "name a file: --csv table.csv")
        for path, ending in ((self.csv, ""), (self.png, ".png"), (self.svg, ".svg")):
            if path is None or (path == "-" and not ending):
                continue
            try:
                is_folder = Path(path).expanduser().is_dir()
                in_folder = Path(path).expanduser().absolute().parent.is_dir()
            except (OSError, RuntimeError) as error:  # a name that is too long, the home of a user who does not exist
                why = getattr(error, "strerror", None) or error
                raise InputError(f"{path[:_SHOWN]} can be no file: {why}", "name it shorter, or another") from None
            if is_folder or not path.lower().endswith(ending):
                named = f"a file that ends with {ending}" if ending else "a file"
                raise InputError(f"{named} was expected, got {path}", f"name it attention{ending or '.csv'}")
            if not in_folder:
                raise InputError(f"the folder of {path} is not there", "make it first, or name another")

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return any(path is not None for path in (self.csv, self.png, self.svg))

    def write(self, table: Callable[[], Any], figure: Callable[[], Figure]) -> None:
        """Writes what was asked for; each is made only then.

        Raises:
            LabError: a file cannot be written.
        """
        from core.model.pictures.tables import csv_lines, save_csv

        if self.csv == "-":
            for line in csv_lines(table()):
                write(line)
        elif self.csv is not None:
            save_csv(table(), Path(self.csv).expanduser())
            note(f"wrote {self.csv}")
        for path in (self.png, self.svg):
            if path is not None:
                from core.model.pictures.figures import save_figure

                save_figure(figure(), Path(path).expanduser())
                note(f"wrote {path}")


@dataclass(frozen=True)
class Subject:
    """A model and the tokens that it is looked at with."""

    loaded: LoadedModel
    ids: list[int]
    labels: tuple[str, ...]

    def place(self, position: int, option: str = "--position") -> int:
        """A position from 0; ``option`` is where it was typed.

        Raises:
            InputError: the text has not so many tokens.
        """
        count = len(self.ids)
        if not -count <= position < count:
            raise InputError(
                f"there is no token {position}: the text has tokens 0 to {count - 1}", f"leave out {option}"
            )
        return position % count

    def run(self, off: str | None) -> Trace:
        """The pass, with some heads off."""
        from core.model.trace import trace

        return trace(self.loaded.model, self.ids, ablate=heads_of(off, self.loaded.config, "--off"))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"model": self.loaded.spec, "ids": self.ids, "tokens": list(self.labels)}


def subject(model: str, text: str, device: str) -> Subject:
    """Opens a model and reads a text for it; of a text longer than the context the last part is taken, and said so.

    Raises:
        InputError: the text is empty, or cannot be read.
        LabError: the model cannot be opened, or its tokenizer cannot write the text.
    """
    said = text_of(text)
    from core.generation.prompts import check_fits
    from lab.cli.generate import open_model

    loaded = open_model(model, device)
    check_fits(loaded)
    from core.model.pictures.labels import token_labels

    ids = fitting(loaded.tokenizer, said, loaded.config.context_length)
    return Subject(loaded, ids, token_labels(loaded.tokenizer, ids))


def text_of(source: str) -> str:
    """The text that TEXT means.

    Raises:
        InputError: it is empty, cannot be read, or is a mistyped option.
    """
    if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", source):  # TEXT may be -, so the parser takes an option for a text
        raise InputError(
            f"a text was expected, got {source.split('=')[0]}, which is no option here",
            "--help after the command lists its options; a text that looks like one comes through a pipe: -",
        )
    text = read_text_or_file(source)
    if not text:
        raise InputError("expected a text of at least one token, got an empty one", "type a text, in quotes")
    return text


def fitting(tokenizer: Tokenizer, text: str, context: int) -> list[int]:
    """The ids of a text, the last of them that fit; says what was cut.

    Raises:
        TokenizerError: the tokenizer cannot write the text.
        InputError: it makes no tokens of it.
    """
    ids = tokenizer.encode(text, disallowed_special=())
    if not ids:
        raise InputError("expected a text of at least one token, got one without any", "type another text")
    if len(ids) > context:
        note(f"{len(ids):,} tokens, context {context:,}: the first {len(ids) - context:,} are cut")
    return ids[-context:]


def heads_of(text: str | None, config: GPTConfig, flag: str) -> tuple[Head, ...]:
    """The heads that an option names; none where it was left out.

    Raises:
        InputError: it names none, or one that the model has not.
    """
    from core.model.head_sets import parse_heads

    if text is None:
        return ()
    try:
        return parse_heads(text, config)
    except InputError as error:
        raise InputError(f"{flag}: {error.title}", error.hint) from None


def number(value: float | None, digits: int = 4) -> str:
    """A number in a table; one that is none is written so.

    >>> number(0.25), number(float("nan")), number(None)
    ('0.2500', 'nan', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"


def with_bar(
    events: Iterable[_Event], name: str, at: Callable[[_Event], tuple[int, int]], *, lines: bool
) -> Iterator[_Event]:
    """The events as they come, with a bar on standard error if that is a terminal.

    Args:
        events: what is waited for.
        name: what it is.
        at: how many are done after an event, and how many there are.
        lines: whether each event is printed; on a terminal those lines are the progress, and a bar would cut them.
    """
    drawable = sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"
    if not drawable or (lines and sys.stdout.isatty()):
        yield from events
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()]
    columns.append(TimeRemainingColumn())
    # Standard output is left alone: rich would send it to the bar's console, which is standard error.
    with Progress(*columns, console=drawing_console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(name, total=None)
        for event in events:
            done, total = at(event)
            bar.update(task, completed=done, total=total)
            yield event
