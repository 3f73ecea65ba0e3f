"""``llm-lab heads MODEL``: what each head is good for, as numbers; for a run also as it learned."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from core.errors import InputError, nearest
from lab.cli import inside
from lab.cli.inside import Files, number, option, with_bar
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals
from lab.cli.writing import note, write

if TYPE_CHECKING:
    from core.model.head_sets import Head
    from core.model.profiles import HeadProfiles
    from core.model.through_time import StepProfiles, StepSkipped

_TEXT = "A text, a text file or - to measure on. Default: random tokens, and the same once more."


def heads(
    model: inside.ModelName,
    text: Annotated[str | None, Parameter(name="TEXT", help=_TEXT, allow_leading_hyphen=True)] = None,
    /,
    *,
    measure: Annotated[
        str | None, option("Sort by previous, duplicate, induction, first, entropy or distance.", "--measure", "--sort")
    ] = None,
    heads: Annotated[str | None, option("Only these: 0.3,5.1; 2.* is a layer.")] = None,
    top: Annotated[int | None, option("List so many at most.")] = None,
    over_steps: Annotated[bool, option("Of a run: at each step whose weights were kept.", switch=True)] = False,
    follow: Annotated[bool, option("With --over-steps: wait for further steps while it learns.", switch=True)] = False,
    seed: Annotated[int, option("Of the random tokens. Default: 0.")] = 0,
    device: inside.Device = "auto",
    as_json: inside.AsJson = False,
    csv: inside.AsCsv = None,
    png: inside.AsPng = None,
    svg: inside.AsSvg = None,
) -> int:
    """Measures every head: how much it looks at the token before, at earlier copies, at what followed them, ...

    On random tokens only place and repetition can be looked at. The row "chance" is a head that looks at all tokens
    alike. With --over-steps there is a line for each kept step; it says the highest head of each measure, or with
    --heads each of those.
    """
    from core.model.profiles import MEASURES

    files = Files(csv, png, svg)
    if measure is not None and measure not in MEASURES:
        raise InputError(f"no measure is called {measure!r}{nearest(measure, MEASURES)}", f"one of: {_listed()}")
    if top is not None and top < 1:
        raise InputError(f"--top must be at least 1, got {top}", "leave it out for all")
    if follow and not over_steps:
        raise InputError("--follow goes with --over-steps, got it alone", "type --over-steps --follow")
    if over_steps:
        return _over_steps(model, text, measure or "induction", heads, files, follow, seed, as_json)
    found, chosen = _measured(model, text, heads, seed, device)
    order = _ordered(found, chosen, measure)[:top]
    _take(files, found, model)
    if as_json:
        on = "text" if text is not None else "random"
        print_json({"model": model, "on": on, **found.to_dict(), "heads": [list(h) for h in order], "what": MEASURES})
    elif not files.any:
        _print(found, order)
    return 0


def _listed() -> str:
    from core.model.profiles import MEASURES

    return ", ".join(MEASURES)


def _measured(
    model: str, text: str | None, heads: str | None, seed: int, device: str
) -> tuple[HeadProfiles, list[Head]]:
    """The profiles, and the heads that are listed, in the order of the model."""
    from lab.cli.generate import open_model

    seen = inside.subject(model, text, device) if text is not None else None
    loaded = seen.loaded if seen else open_model(model, device)
    chosen = inside.heads_of(heads if heads is not None else "*", loaded.config, "--heads")
    from core.model.profiles import head_profiles

    return head_profiles(loaded.model, seen.ids if seen else None, seed=seed), list(chosen)


def _ordered(found: HeadProfiles, heads: list[Head], measure: str | None) -> list[Head]:
    """By a measure, the highest first; what is no number comes last."""
    if measure is None:
        return heads
    values = found[measure].nan_to_num(float("-inf"))
    return sorted(heads, key=lambda head: -float(values[head]))


def _take(files: Files, found: HeadProfiles, model: str) -> None:
    from core.model.pictures.figures import heads_figure
    from core.model.pictures.tables import profile_table
    from core.model.profiles import MEASURES

    values = {name: found[name] for name in MEASURES}
    files.write(lambda: profile_table(found), lambda: heads_figure(values, f"{model} · all heads", found.chance))


def _print(found: HeadProfiles, order: list[Head]) -> None:
    from core.model.profiles import MEASURES
    from lab.cli.runs import print_table

    rows = [("chance", *(number(found.chance[name], 3) for name in MEASURES))]
    rows += [(f"L{la} H{h}", *(number(float(found[name][la, h]), 3) for name in MEASURES)) for la, h in order]
    print_table(("", *MEASURES), rows)
    write(f"means over {found.tokens:,} tokens; entropy in bits, distance in tokens, the others shares of attention\n")


def _over_steps(
    model: str, text: str | None, measure: str, heads: str | None, files: Files, follow: bool, seed: int, as_json: bool
) -> int:
    """A line for each step as it is measured; figures and tables at the end."""
    from lab.cli.prompt import read_text_or_file

    said = None if text is None else read_text_or_file(text)
    from core.training.launch import prepare_environment

    prepare_environment()  # before torch is imported
    from core.model.through_time import StepProfiles, head_history

    cancelled, kept = threading.Event(), []
    with stop_on_signals(cancelled.set, lambda said: None) as received:
        events = head_history(model, said, cancelled, follow=follow, seed=seed)
        for event in with_bar(events, "steps", _place):
            if not isinstance(event, StepProfiles):
                note(f"step {event.step:,} is left out: {event.title}")
            else:
                kept.append(event)
            if as_json:
                print_json(event.to_dict())
            elif isinstance(event, StepProfiles) and not files.any:
                _print_step(event, heads, first=len(kept) == 1)
        if kept:
            _take_steps(files, kept, measure, heads, model)
    return received.exit_code


def _place(event: StepProfiles | StepSkipped) -> tuple[int, int]:
    return getattr(event, "number", 0), getattr(event, "of", 0)


def _profiles(event: StepProfiles) -> HeadProfiles:
    """On the text if one was given, else on random tokens."""
    found = event.text or event.random
    if found is None:
        raise InputError("the context is too short for random tokens", "give a text: llm-lab heads MODEL TEXT")
    return found


def _chosen(event: StepProfiles, heads: str | None) -> list[Head]:
    """The heads that ``--heads`` names, in a model of this event's shape."""
    from core.config import GPTConfig

    layers, count = _profiles(event).entropy.shape
    return list(inside.heads_of(heads, GPTConfig(1, 1, count, count, layers), "--heads"))


def _print_step(event: StepProfiles, heads: str | None, first: bool) -> None:
    from core.model.profiles import MEASURES

    found = _profiles(event)
    if first:
        wide = 8 if heads else 14
        write(f"{'step':>8} {'head':<8}" + "".join(f"{name:>{wide + 2}}" for name in MEASURES) + "\n")
    for layer, head in _chosen(event, heads):
        numbers = "".join(f"{number(float(found[name][layer, head]), 3):>10}" for name in MEASURES)
        write(f"{event.step:>8,} {f'L{layer} H{head}':<8}{numbers}\n")
    if not heads:
        best = [found.best(name) for name in MEASURES]
        told = "".join(f"{f'L{la} H{h} {number(value, 3)}':>16}" for la, h, value in best)
        write(f"{event.step:>8,} {'highest':<8}{told}\n")


def _take_steps(files: Files, kept: list[StepProfiles], measure: str, heads: str | None, model: str) -> None:
    from core.model.pictures.figures import history_figure

    steps = [event.step for event in kept]
    shown = _chosen(kept[-1], heads if heads is not None else "*")
    curves = {f"L{la} H{h}": [float(_profiles(e)[measure][la, h]) for e in kept] for la, h in shown}
    chance = _profiles(kept[-1]).chance[measure]
    files.write(lambda: _rows(kept, shown), lambda: history_figure(steps, curves, measure, chance, model))


def _rows(kept: Sequence[StepProfiles], shown: Sequence[Head]) -> tuple[Sequence[str], Iterator[Sequence[Any]]]:
    from core.model.profiles import MEASURES

    rows = (
        (event.step, la, h, *(float(_profiles(event)[name][la, h]) for name in MEASURES))
        for event in kept
        for la, h in shown
    )
    return ("step", "layer", "head", *MEASURES), rows
