"""``llm-lab windows CORPUS``: how many training windows and batches a text makes, and what one looks like."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from core.errors import InputError, nearest
from core.presets import WINDOW_PRESETS
from lab.cli.commands import PROGRAM
from lab.cli.control import AsJson
from lab.cli.report import print_json

if TYPE_CHECKING:
    from core.data.window_sets import WindowSet

_PRESETS = ", ".join(WINDOW_PRESETS)


def windows(
    corpus: Annotated[str | None, Parameter(name="CORPUS", help="A corpus by name, a text file, or a folder.")] = None,
    /,
    *,
    preset: Annotated[str | None, Parameter(help=f"Begin with a named setting: {_PRESETS}.")] = None,
    context_length: Annotated[int | None, Parameter(help="Tokens in a window. Default: 256.")] = None,
    stride: Annotated[
        int | None, Parameter(help="Tokens from one window to the next; left out, the context length.")
    ] = None,
    batch_size: Annotated[int | None, Parameter(help="Windows in a batch. Default: 8.")] = None,
    tokenizer: Annotated[str | None, Parameter(help="What makes tokens of the text. Default: gpt2.")] = None,
    val_fraction: Annotated[
        float | None, Parameter(help="Share of the characters kept for validation. Default: 0.1.")
    ] = None,
    part: Annotated[Literal["training", "validation", "all"], Parameter(help="Which part of the text.")] = "training",
    step: Annotated[int, Parameter(help="Show the first window of this batch (shuffled by --seed).")] = 0,
    seed: Annotated[int, Parameter(help="Decides the order of the windows.")] = 1337,
    as_json: AsJson = False,
) -> int:
    """Says how many windows and batches a text makes, and shows one: its input and its targets, shifted by one."""
    from core.data.window_sets import windows_of
    from lab.cli.progress import choose_display, fetch_text_first, fetch_vocabulary_first

    given: dict[str, Any] = {
        "corpus": corpus,
        "context_length": context_length,
        "stride": stride,
        "batch_size": batch_size,
        "tokenizer": tokenizer,
        "val_fraction": val_fraction,
    }
    setting = _setting(preset, {name: value for name, value in given.items() if value is not None})
    if step < 0 or seed < 0:
        raise InputError(f"--step and --seed must be at least 0, got {step} and {seed}", "leave them out")
    display = choose_display("", as_json)
    fetch_text_first(setting.corpus, display)
    fetch_vocabulary_first(setting.tokenizer, display)
    made = windows_of(setting, part)
    if as_json:
        print_json({**made.to_dict(), "seed": seed, "step": step, "batch": _batch(made, step, seed)})
        return 0
    _show(made, step, seed)
    return 0


def _setting(preset: str | None, given: dict[str, Any]) -> Any:
    from dataclasses import replace

    from core.data.window_setting import WindowSetting

    if preset is not None and preset not in WINDOW_PRESETS:
        raise InputError(
            f"no window preset is called {preset!r}{nearest(preset, WINDOW_PRESETS)}", f"there are: {_PRESETS}"
        )
    if preset is None and "corpus" not in given:
        raise InputError(
            f"{PROGRAM} windows needs a CORPUS or a --preset, and none came",
            f"type {PROGRAM} windows python-docs --tokenizer char, or {PROGRAM} windows --preset shakespeare-tf",
        )
    return replace(WINDOW_PRESETS[preset], **given) if preset else WindowSetting(**given)


def _batch(made: WindowSet, step: int, seed: int) -> dict[str, Any]:
    x, y = made.batch(step, seed=seed)
    return {"x": x.tolist(), "y": y.tolist()}


def _show(made: WindowSet, step: int, seed: int) -> None:
    from screens.widgets.token_strip_labels import Labels

    of = {"training": "the training part of ", "validation": "the validation part of ", "all": ""}[made.part]
    size = f"{made.characters:,} characters, " if made.characters else ""  # unknown of a file too large to be held
    print(f"{of}{made.setting.corpus}: {size}{made.tokens:,} tokens of {made.tokenizer.name}")
    length, stride = made.setting.context_length, made.windows.stride
    if stride < length:
        lie = f"each overlaps the next by {length - stride:,}"
    else:
        lie = f"{stride - length:,} left out between two" if stride > length else "side by side"
    print(f"{_many(len(made.windows), 'window')} of {length:,} tokens, every {stride:,} tokens ({lie})")
    left = f" and one of {made.left_over:,}" if made.left_over else ""
    print(f"{_many(made.full_batches, 'batch', 'es')} of {made.setting.batch_size:,}{left}")
    print()
    x, y = made.batch(step, seed=seed)
    labels = Labels()
    room = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100
    for name, row in (("input", x[0]), ("target", y[0])):
        print(f"{name:<7} {_strip(made, row.tolist(), labels, room - 8)}")
    print(f"(the first window of batch {step:,} with seed {seed}; the target is what comes next at each place)")


def _many(n: int, what: str, ending: str = "s") -> str:
    return f"{n:,} {what}{'' if n == 1 else ending}"


def _strip(made: WindowSet, ids: list[int], labels: Any, room: int) -> str:
    from rich.cells import cell_len

    shown = ""
    for n, token_id in enumerate(ids):
        more = ("│" if n else "") + labels.of(made.tokenizer.token_bytes(token_id)).text
        if cell_len(shown + more) > room - 1:
            return shown + "…"
        shown += more
    return shown
