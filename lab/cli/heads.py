"""``llm-lab heads MODEL``: what each head is good for, as numbers; ``heads_over_steps.py`` does so as a run learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import InputError, nearest
from lab.cli import inside
from lab.cli.inside import Files, number, option
from lab.cli.report import print_json
from lab.cli.writing import write

if TYPE_CHECKING:
    from core.model.head_sets import Head
    from core.model.profiles import HeadProfiles

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
    as_json: inside.AsStepsJson = False,
    csv: inside.AsCsv = None,
    png: inside.AsPng = None,
    svg: inside.AsSvg = None,
) -> int:
    """Measures every head: how much it looks at the token before, at earlier copies, at what followed them, ...

    On random tokens only place and repetition can be looked at. The row "chance" is a head that looks at all tokens
    alike. With --over-steps there is a line for each kept step; it says the highest head of each measure, or with
    --heads each of those.
    """
    from core.training.launch import prepare_environment

    prepare_environment()  # before torch is imported, which the measures come with
    from core.model.profiles import MEASURES

    files = Files(csv, png, svg, as_json)
    if measure is not None and measure not in MEASURES:
        raise InputError(f"no measure is called {measure!r}{nearest(measure, MEASURES)}", f"one of: {_listed()}")
    if top is not None and top < 1:
        raise InputError(f"--top must be at least 1, got {top}", "leave it out for all")
    if follow and not over_steps:
        raise InputError("--follow goes with --over-steps, got it alone", "type --over-steps --follow")
    if top is not None and over_steps:
        raise InputError("--top is of a list of heads, got it with --over-steps", "name the heads: --heads 0.3,2.*")
    if over_steps:
        from lab.cli.heads_over_steps import History, show

        return show(History(model, text, measure or "induction", heads, follow, seed, device), files, as_json)
    found, chosen = _measured(model, text, heads, seed, device)
    order = _ordered(found, chosen, measure)[:top]
    _take(files, found, order, model)
    if as_json:
        on = "text" if text is not None else "random"
        print_json({"model": model, "on": on, **found.to_dict(), "heads": [list(h) for h in order], "what": MEASURES})
    elif not files.any:
        _print(found, order, on_text=text is not None)
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


def _take(files: Files, found: HeadProfiles, order: list[Head], model: str) -> None:
    """A table of the heads that are listed, or a figure of all."""
    from core.model.pictures.figures import heads_figure
    from core.model.pictures.tables import profile_table
    from core.model.profiles import MEASURES

    values = {name: found[name] for name in MEASURES}
    files.write(lambda: profile_table(found, order), lambda: heads_figure(values, f"{model} · all heads", found.chance))


def _print(found: HeadProfiles, order: list[Head], on_text: bool) -> None:
    from core.model.profiles import MEASURES
    from lab.cli.runs import print_table

    rows = [("chance", *(number(found.chance[name], 3) for name in MEASURES))]
    rows += [(f"L{la} H{h}", *(number(float(found[name][la, h]), 3) for name in MEASURES)) for la, h in order]
    print_table(("", *MEASURES), rows)
    twice = "" if on_text else f" ({found.tokens // 2:,} random ones, said twice)"
    write(f"means over {found.tokens:,} token{'' if found.tokens == 1 else 's'}{twice}; ")
    write("entropy in bits, distance in tokens, the others shares of attention\n")
