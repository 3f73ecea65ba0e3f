"""``llm-lab pull NAME``: fetch a model, a text, a vocabulary or word vectors; ``--list`` and ``--remove``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from core.errors import InputError
from lab.cli.control import json_flag
from lab.cli.drawing import drawing_console
from lab.cli.entry import INTERRUPTED
from lab.cli.progress import drawable, duration
from lab.cli.report import print_json, two_lines
from lab.cli.runs import print_table

if TYPE_CHECKING:
    from rich.progress import Progress

    from core.data.pull import PullItem, PullProgress

_TOLD = 0.2  # seconds between two lines of JSON
_PHASES = {"waiting": "another pull of it is going on", "asking": "asking", "checking": "checking"}

Names = Annotated[
    str,
    Parameter(
        name="NAME",
        negative="",
        help="What to fetch (--list shows the names), or hf:OWNER/NAME. LLM_LAB_MIRROR=URL is looked at first.",
    ),
]


def pull(
    *names: Names,
    source: Annotated[
        Literal["huggingface", "openai"] | None,
        Parameter(name="--from", help="Where a GPT-2 comes from; openai's originals are converted with TensorFlow."),
    ] = None,
    list_: Annotated[bool, Parameter(name="--list", negative="", help="Show what there is and what is here.")] = False,
    remove: Annotated[bool, Parameter(negative="", help="Remove what was fetched, and say what that frees.")] = False,
    as_json: Annotated[bool, json_flag("Print JSON; of a download a line for each stage and a few a second.")] = False,
) -> int:
    """Fetches models, texts, vocabularies and word vectors into the cache folder (LLM_LAB_CACHE).

    A download that broke off, or was ended by ctrl-C, goes on where it stopped. LLM_LAB_MIRROR names other places to
    fetch from: http://HOST:PORT (a cache folder served as it is), or https://FROM=https://TO in place of an address.
    """
    if list_ and not (names or remove):
        return _list(as_json)
    if list_ or not names or (remove and source):
        got = "--list with more" if list_ else "--remove with --from" if names else "no name"
        raise InputError(f"expected a NAME to fetch, or --list alone, got {got}", "type llm-lab pull --list")
    for name in names:
        code = _remove(name, as_json) if remove else _pull(name, source, as_json)
        if code:
            return code
    return 0


def size_words(size: float) -> str:
    """Bytes as a person says them.

    >>> size_words(77), size_words(456_318), size_words(548_105_171), size_words(6_431_829_964)
    ('77 B', '456 kB', '548 MB', '6.43 GB')
    """
    if size < 1000:
        return f"{size:.0f} B"
    if size < 1e6:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.2f} GB"


def _list(as_json: bool) -> int:
    from core.data.pull import items
    from core.folders import cache_dir

    found = items()
    used = sum(item.bytes_here for item in found)
    free = shutil.disk_usage(next(p for p in (cache_dir(), *cache_dir().parents) if p.exists())).free
    if as_json:
        print_json({"cache": str(cache_dir()), "used": used, "free": free, "items": [item.to_dict() for item in found]})
        return 0
    header = ("name", "is", "size", "here", "from", "licence", "what it is")
    print_table(header, [_row(item) for item in found])
    print(f"{size_words(used)} here in {cache_dir()} · {size_words(free)} free")
    return 0


def _row(item: PullItem) -> tuple[str, ...]:
    size = size_words(item.size) if item.size and item.exact else f"~{size_words(item.size)}" if item.size else "?"
    here = size_words(item.bytes_here) if item.here else "–"
    if item.bytes_here and not item.here:
        here = f"{size_words(item.bytes_here)} so far"
    return (item.name, item.kind, size, here, " ".join(item.sources) or "–", item.licence or "–", item.title)


def _remove(name: str, as_json: bool) -> int:
    from core.data.pull import remove

    freed = remove(name)
    if as_json:
        print_json({"name": name, "freed": freed})
    elif freed:
        print(f"removed {name}: {freed:,} bytes are free again")
    else:
        print(f"nothing of {name} was here")
    return 0


def _pull(name: str, source: str | None, as_json: bool) -> int:
    from core.data.pull import pull as fetch
    from core.data.pull import pull_item

    last: PullProgress | None = None
    show = _lines if as_json else _bar if drawable() else _quiet
    try:
        for event in show(fetch(name, source=source)):
            last = event
    except KeyboardInterrupt:
        kept = pull_item(name).bytes_here
        if as_json:
            print_json({"name": name, "phase": "interrupted", "received": kept})
        else:
            two_lines(f"stopped: {size_words(kept)} of {name} are kept", f"go on with: llm-lab pull {name}")
        return INTERRUPTED
    if last is not None and not as_json:
        print(_last_line(last, pull_item(name)))
    return 0


def _last_line(last: PullProgress, item: PullItem) -> str:
    files = f"{last.files} file{'' if last.files == 1 else 's'}"
    if not item.here:  # OpenAI's originals without TensorFlow: a note has said so
        return f"{item.name} has come, but cannot be used yet: {size_words(last.received)} in {files}"
    return f"{item.name} is here: {size_words(last.received)} in {files} · {item.folder}"


def _lines(events: Iterator[PullProgress]) -> Iterator[PullProgress]:
    """Prints what happens as lines of JSON, a few a second."""
    told, place = 0.0, ("", "")
    for event in events:
        now = time.monotonic()
        if (event.phase, event.file) != place or event.note or now - told >= _TOLD:
            told, place = now, (event.phase, event.file)
            print_json(event.to_dict())
        yield event


def _quiet(events: Iterator[PullProgress]) -> Iterator[PullProgress]:
    """Says nothing but what is worth telling."""
    for event in events:
        if event.note:
            two_lines(event.note, "")
        yield event


def _bar(events: Iterator[PullProgress]) -> Iterator[PullProgress]:
    """Draws a bar for the file and one for all of them."""
    bar = _two_bars()
    each, whole = bar.add_task("", total=None, facts=""), bar.add_task("", total=None, facts="")
    with bar:
        for event in events:
            if event.note:
                bar.console.print(event.note, markup=False, highlight=False)
            bar.update(each, description=_what(event), completed=event.file_received, total=event.file_total, facts="")
            bar.update(whole, description=event.name, completed=event.received, total=event.total, facts=_facts(event))
            yield event


def _two_bars() -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()]
    columns.append(TextColumn("{task.fields[facts]}", markup=False))
    return Progress(*columns, transient=True, console=drawing_console())


def _what(event: PullProgress) -> str:
    place = f" {event.file_index}/{event.files}" if event.file_index else ""
    return f"{_PHASES.get(event.phase, '')} {event.file}{place}".strip() or event.phase


def _facts(event: PullProgress) -> str:
    if event.seconds_left is None:
        return ""
    return f"{size_words(event.rate)}/s · {duration(event.seconds_left)} left"
