"""``llm-lab ablate MODEL TEXT``: what the model would say with heads switched off, and which head matters most."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Annotated, Any, Literal

from core.errors import InputError
from lab.cli import inside
from lab.cli.inside import Files, Subject, number, option, with_bar
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals
from lab.cli.writing import note, write

if TYPE_CHECKING:
    from core.model.ablation import AblationResult, HeadEffect
    from core.model.head_sets import Head


def ablate(
    model: inside.ModelName,
    text: inside.Text,
    /,
    *,
    heads: Annotated[
        str | None, option("Which heads: 0.3,5.1; 2.* is a layer, 0-2.1 head 1 of three, !1.2 all but that one.")
    ] = None,
    sweep: Annotated[
        bool,
        option("Each head alone, one after the other (beside --heads, if given): the table and picture.", switch=True),
    ] = (False),
    position: inside.Position = -1,
    top: Annotated[int, option("Tokens of each distribution, or heads of a sweep. Default: 10.")] = 10,
    sort: Annotated[Literal["loss", "kl", "head"], option("Order of a sweep. Default: loss.")] = "loss",
    device: inside.Device = "auto",
    as_json: inside.AsSweepJson = False,
    csv: inside.AsCsv = None,
    png: inside.AsPng = None,
    svg: inside.AsSvg = None,
) -> int:
    """Switches heads off and says what changes.

    That is the distribution of the token after --position, its Kullback-Leibler divergence in bits, and the mean loss
    over the text in nats. A sweep takes a while in a large model; SIGINT (ctrl-C) ends it with what there is.
    """
    files = Files(csv, png, svg, as_json)
    if heads is None and not sweep:
        raise InputError("expected --heads or --sweep, got neither", "for example --heads 0.3,5.1")
    if files.any and not sweep:
        raise InputError("--csv, --png and --svg are of a sweep, got --heads alone", "take --json, or --sweep")
    if top < 1:
        raise InputError(f"--top must be at least 1, got {top}", "leave it out for 10")
    seen = inside.subject(model, text, device)
    off = inside.heads_of(heads, seen.loaded.config, "--heads")
    place = seen.place(position)
    if sweep:
        return _sweep(seen, off, place, top, sort, files, as_json)
    from core.model.ablation import ablate as run

    result = run(seen.loaded.model, seen.ids, off, position=place)
    if as_json:
        print_json({**seen.to_dict(), **result.to_dict(top), "top": _shifts(result, seen, top)})
    else:
        _print(result, seen, top)
    return 0


def _shifts(result: AblationResult, seen: Subject, top: int) -> list[dict[str, Any]]:
    from core.model.pictures.labels import token_labels

    shifts = result.top(top)
    names = token_labels(seen.loaded.tokenizer, [shift.token for shift in shifts])
    return [{**shift.to_dict(), "text": name} for shift, name in zip(shifts, names, strict=True)]


def _print(result: AblationResult, seen: Subject, top: int) -> None:
    from core.model.head_sets import format_heads
    from lab.cli.runs import print_table

    said = format_heads(result.heads, seen.loaded.config) or "none"
    heads = f"{len(result.heads)} head{'' if len(result.heads) == 1 else 's'}"
    write(f"{heads} off: {said} · after {result.position} {seen.labels[result.position]}\n")
    rows: list[tuple[str, ...]] = [
        (shift["text"], f"{shift['before']:.2%}", f"{shift['after']:.2%}", _arrow(shift["before"], shift["after"]))
        for shift in _shifts(result, seen, top)
    ]
    print_table(("token", "all", "without", ""), rows)
    write(f"KL {number(result.kl_bits, 3)} bits · ")
    change = _signed(result.loss_change)
    loss = f"loss over the text {number(result.loss_before)} > {number(result.loss_after)} nats ({change})"
    write((loss if len(seen.ids) > 1 else "one token has no loss") + "\n")


def _arrow(before: float, after: float) -> str:
    moved = not math.isclose(before, after, rel_tol=0.05)
    return "up" if moved and after > before else "down" if moved and after < before else ""  # nan is neither


def _sweep(
    seen: Subject, off: tuple[Head, ...], position: int, top: int, sort: str, files: Files, as_json: bool
) -> int:
    """Every head in turn; with JSON a line each as it comes, then one of the whole."""
    from core.model.ablation import sweep
    from core.model.head_sets import format_heads
    from core.model.trace import trace

    cancelled = threading.Event()
    found: list[HeadEffect] = []
    with stop_on_signals(cancelled.set, lambda said: None) as received:
        base = trace(seen.loaded.model, seen.ids, ablate=off)
        effects = sweep(seen.loaded.model, seen.ids, cancelled, position=position, base=base)
        for effect in with_bar(effects, "heads", lambda e: (e.number, e.of), lines=as_json):
            found.append(effect)
            if as_json:
                print_json({"kind": "head", **effect.to_dict()})
        total = seen.loaded.config.n_layers * seen.loaded.config.n_heads
        if as_json:
            whole = {"off": [list(head) for head in off], "position": position, "loss": base.loss()}
            print_json({"kind": "sweep", **seen.to_dict(), **whole, "heads": len(found), "of": total})
        elif not files.any:
            said = f"without {format_heads(off, seen.loaded.config)}" if off else "with all"
            loss = f"loss over the text {said} {number(base.loss())} nats"
            if len(seen.ids) == 1:
                loss, sort = "one token has no loss", "kl" if sort == "loss" else sort
            _print_sweep(_sorted(found, sort), top, sort, loss)
        if len(found) < total:
            note(f"ended after {len(found)} of {total} heads")
        elif files.any:
            _take(files, found, seen)
    return received.exit_code


def _sorted(found: list[HeadEffect], sort: str) -> list[HeadEffect]:
    """What matters most comes first; what is no number comes last."""
    if sort == "head":
        return found

    def place(effect: HeadEffect) -> float:
        value = effect.loss_change if sort == "loss" else effect.kl_bits
        return math.inf if math.isnan(value) else -value

    return sorted(found, key=place)


_ORDERS = {"loss": "highest loss first", "kl": "highest KL first", "head": "in the order of the model"}


def _print_sweep(found: list[HeadEffect], top: int, sort: str, loss: str) -> None:
    from lab.cli.runs import print_table

    shown = found[:top]
    rows: list[tuple[str, ...]] = [(f"L{e.layer} H{e.head}", _signed(e.loss_change), number(e.kl_bits)) for e in shown]
    print_table(("off", "loss, nats", "KL, bits"), rows)
    write("".join(f"{part}\n" for part in (_left_out(found[top:], sort, len(found)),) if part))
    write(f"{len(shown)} of {len(found)} heads, each off alone; {loss}\n")


def _signed(change: float) -> str:
    return "nan" if math.isnan(change) else f"{change:+.4f}"


def _left_out(rest: list[HeadEffect], sort: str, count: int) -> str:
    """What a table that ends early does not show, those without which the text is easier above all."""
    if not rest:
        return ""
    easier = [effect for effect in rest if effect.loss_change < 0]
    said = f"{_ORDERS[sort]}; {len(rest)} more left out"
    if easier:
        most = min(easier, key=lambda effect: effect.loss_change)
        said += f", {len(easier)} of them lower the loss (L{most.layer} H{most.head} most: {most.loss_change:+.4f})"
    return f"{said}; --top {count} lists all"


def _take(files: Files, found: list[HeadEffect], seen: Subject) -> None:
    import torch

    from core.model.pictures.figures import heads_figure
    from core.model.pictures.tables import sweep_table

    shape = (seen.loaded.config.n_layers, seen.loaded.config.n_heads)
    values = {
        "loss change, nats": torch.tensor([e.loss_change for e in found]).view(shape),
        "KL, bits": torch.tensor([e.kl_bits for e in found]).view(shape),
    }
    title = f"{seen.loaded.spec} · each head off alone"
    files.write(lambda: sweep_table(found), lambda: heads_figure(values, title))
