"""How the attention screen leaves the app: what is shown as Python, command, data, table, figure and text.

The pane with the focus decides: a map, the measures of all heads, or what comes next. Views with numbers of their own
(Maths, Lens, Time) bring their own.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from screens.attention.reader import NEXT, RANDOM, TEXT
from screens.attention.takeaway_text import heads_flag, heads_text, python_start
from screens.attention.view import MEASURES, written
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.model.pictures.maps import HeadMap
    from screens.attention.keys import AttentionKeys
    from screens.attention.painting import Painting
    from screens.attention.seen import Seen


def take_away_of(screen: AttentionKeys) -> TakeAwayRequest | None:
    """What the pane with the focus shows; None while there is no text."""
    if screen.seen is None:
        return None
    if screen.body.pane in ("grid", "head"):
        return effects_of(screen) if screen.measure == "effect" else heads_of(screen)
    if screen.body.pane == "next":
        return next_of(screen)
    return screen.body.centre.take_away() or map_of(screen)


# --- a map


class Cells(Sequence[Sequence[Any]]):
    """The rows of a table of a map, made when they are written: a thousand tokens have half a million weights."""

    def __init__(self, seen: Seen, values: NDArray[np.float32]) -> None:
        self._seen, self._values = seen, values

    def __len__(self) -> int:
        return self._seen.tokens

    @overload
    def __getitem__(self, index: int) -> Sequence[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[Any]]: ...
    def __getitem__(self, index: int | slice) -> Sequence[Any]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        i = index % len(self)
        empty = [""] * (len(self) - i - 1)
        return (i, written(self._seen.pieces[i]), *self._values[i, : i + 1].tolist(), *empty)

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return (self[i] for i in range(len(self)))


def map_of(screen: Painting) -> TakeAwayRequest | None:
    """The map: a head's, several as one, or the difference of two models."""
    seen, at, values = screen.seen, screen.place, screen.matrix()
    if seen is None or values is None:
        return None
    how, scale = screen.body.pattern.how, screen.body.pattern.scale
    differs = screen.differs
    make = _map_maker(seen, values, at.layer, at.head, how)
    header = ("position", "token", *(f"{i} {written(piece)}" for i, piece in enumerate(seen.pieces)))
    other = screen.workbench.b if differs else None

    def draw(path: Path) -> None:
        from core.model.pictures.figures import map_figure, save_figure

        save_figure(map_figure(make(), "log" if scale == "log" else "linear"), path)

    def text() -> str:
        from core.model.pictures.blocks import text_picture

        return "\n".join(text_picture(make(), 110, ascii_only=screen.look.ascii)) + "\n"

    return TakeAwayRequest(
        what=f"{how or 'head'}-L{at.layer}" + ("" if how else f"-H{at.head}") + ("-difference" if differs else ""),
        python=_map_python(screen, seen, other),
        command="" if differs else _map_command(seen, at.layer, at.head, how),
        data=_map_data(seen, values, at.layer, at.head, how, other),
        table=(header, Cells(seen, values)),
        figure=None if differs else draw,
        vector=True,
        text=None if differs else text,
        pane=screen.body.query_one("#a-centre"),
        link=shlex.join(["llm-lab", "open", "attention", "--model", seen.spec, f"--text={seen.text}"]),
    )


def _map_maker(seen: Seen, values: NDArray[np.float32], layer: int, head: int, how: str) -> Callable[[], HeadMap]:
    def make() -> HeadMap:
        import torch

        from core.model.pictures.maps import HeadMap

        one = None if how else head
        tokens = tuple(written(piece) for piece in seen.pieces)
        numbers = torch.from_numpy(np.ascontiguousarray(values))
        return HeadMap(seen.spec, "pattern", layer, one, how or "head", seen.ids, tokens, numbers)

    return make


def _map_data(
    seen: Seen, values: NDArray[np.float32], layer: int, head: int, how: str, other: str | None
) -> dict[str, Any]:
    data = {
        "model": seen.spec,
        "what": "pattern",
        "how": how or "head",
        "layer": layer,
        "head": None if how else head,
        "ids": list(seen.ids),
        "tokens": [written(piece) for piece in seen.pieces],
        "rows": [values[i, : i + 1].tolist() for i in range(seen.tokens)],
    }
    if seen.off:
        data["off"] = [list(one) for one in sorted(seen.off)]
    return data if other is None else {**data, "minus": other}


def _map_command(seen: Seen, layer: int, head: int, how: str) -> str:
    words = ["llm-lab", "attention", seen.spec, seen.text, "--layer", str(layer)]
    words += ["--together", how] if how else ["--head", str(head)]
    return shlex.join([*words, *heads_flag(seen, "--off"), "--json"])


def _map_python(screen: Painting, seen: Seen, other: str | None) -> str:
    at, how = screen.place, screen.body.pattern.how
    python = python_start(seen)
    if how:
        python = python.replace("import core\n", "import core\nfrom core.model.rollout import together\n", 1)
    made = f"together({{}}, {at.layer}, {how!r})" if how else f"{{}}.attention[{at.layer}, {at.head}]"
    python += f"pattern = {made.format('trace')}  # (T, T): a row is who asks\n"
    if other is not None:
        off = f", ablate={sorted(seen.off)!r}" if seen.off else ""
        python += f"minus = core.trace(core.load_model({other!r}).model, ids{off})\n"
        python += f"pattern = pattern - {made.format('minus')}\n"
    return python + f"print(float(pattern[{at.row}, {at.column}]))  # the number under the cursor\n"


# --- all heads


def heads_of(screen: Painting) -> TakeAwayRequest | None:
    """The measures of all heads."""
    seen, found = screen.seen, screen.measures or screen.measured.get(TEXT)
    if seen is None or found is None:
        return None
    names = [m.name for m in MEASURES if m.name in found.values]
    grids = {name: found.values[name] for name in names}
    rows = [
        (layer, head, *(float(grids[name][layer, head]) for name in names))
        for layer in range(seen.layers)
        for head in range(seen.heads)
    ]
    random = found.on == RANDOM
    shown = screen.measure if screen.measure in grids else "entropy"
    layer, head = screen.place.layer, screen.place.head

    def draw(path: Path) -> None:
        import torch

        from core.model.pictures.figures import heads_figure, save_figure

        figure = heads_figure(
            {name: torch.from_numpy(np.ascontiguousarray(grid)) for name, grid in grids.items()},
            f"{seen.spec} · all heads",
            found.chance,
        )
        save_figure(figure, path)

    said = [] if random else [seen.text]
    return TakeAwayRequest(
        what="heads",
        python=_heads_python(seen, shown, layer, head, random=random),
        command=shlex.join(["llm-lab", "heads", seen.spec, *said, "--json"]),
        data={
            "model": seen.spec,
            "on": found.on,
            "chance": found.chance,
            **{name: grid.tolist() for name, grid in grids.items()},
        },
        table=(("layer", "head", *names), rows),
        figure=draw,
        vector=True,
        text=lambda: heads_text(f"{seen.spec} · {shown}", grids[shown].tolist()),
        pane=screen.body.query_one("#a-grid-pane"),
        link=shlex.join(["llm-lab", "open", "attention", "--model", seen.spec, f"--text={seen.text}"]),
    )


def _heads_python(seen: Seen, measure: str, layer: int, head: int, *, random: bool) -> str:
    if random:
        return (
            f"import core\n\nlab = core.load_model({seen.spec!r})\n"
            "profiles = core.head_profiles(lab.model)  # on repeated random tokens\n"
            f"print(float(profiles[{measure!r}][{layer}, {head}]))\n"
        )
    plain = python_start(seen, ablated=False)
    if measure == "norm":
        made = "from core.model.head_norms import output_norms\n\nnorms = output_norms(trace)  # (L, H)\n"
        return plain + made + f"print(float(norms[{layer}, {head}]))\n"
    return (
        plain.rpartition("trace =")[0]
        + "profiles = core.head_profiles(lab.model, ids)\n"
        + f"print(float(profiles[{measure!r}][{layer}, {head}]))\n"
    )


def effects_of(screen: Painting) -> TakeAwayRequest | None:
    """What each head's absence does."""
    seen = screen.seen
    values = screen.effects.get(screen.swept)
    if seen is None or values is None:
        return heads_of(screen)
    name = "loss_change" if seen.tokens > 1 else "kl_bits"
    rows = [(la, h, float(values[la, h])) for la in range(seen.layers) for h in range(seen.heads)]
    known = {(la, h): value for la, h, value in rows if not math.isnan(value)}

    def draw(path: Path) -> None:
        import torch

        from core.model.pictures.figures import heads_figure, save_figure

        grid = torch.from_numpy(np.ascontiguousarray(values))
        save_figure(heads_figure({name: grid}, f"{seen.spec} · each head off once"), path)

    return TakeAwayRequest(
        what="effects",
        python=(
            python_start(seen, ablated=False).rpartition("trace =")[0]
            + "from core.model.ablation import sweep\n\n"
            + "for effect in sweep(lab.model, ids):\n"
            + f"    print(effect.layer, effect.head, effect.{name})\n"
        ),
        command=shlex.join(["llm-lab", "ablate", seen.spec, seen.text, "--sweep", "--sort", "head", "--json"]),
        data={
            "model": seen.spec,
            "text": seen.text,
            "measure": name,
            "heads": [{"layer": la, "head": h, name: v} for (la, h), v in known.items()],
        },
        table=(("layer", "head", name), rows),
        figure=draw,
        vector=True,
        text=lambda: heads_text(f"{seen.spec} · each head off once · {name}", values.tolist()),
        pane=screen.body.query_one("#a-grid-pane"),
    )


# --- what comes next


def next_of(screen: Painting) -> TakeAwayRequest | None:
    """The distribution after a token, with all heads on and as it is."""
    seen, found = screen.seen, screen.next
    if seen is None or found is None:
        return None
    off = sorted(seen.off)
    rows = [(token, written(piece), before, after) for token, piece, before, after in found.rows]
    python = (
        python_start(seen, ablated=False).rpartition("trace =")[0]
        + "from core.model.ablation import ablate\n\n"
        + f"result = ablate(lab.model, ids, {off!r}, position={found.position})\n"
        + "print(result.kl_bits, result.loss_before, result.loss_after)\n"
        + f"for shift in result.top({NEXT}):\n"
        + "    print(shift.token, shift.before, shift.after)\n"
    )
    flags = heads_flag(seen, "--heads")
    position = ["--position", str(found.position)]
    return TakeAwayRequest(
        what=f"next-{found.position}",
        python=python,
        command=shlex.join(["llm-lab", "ablate", seen.spec, seen.text, *flags, *position, "--json"]) if off else "",
        data={
            "model": seen.spec,
            "text": seen.text,
            "position": found.position,
            "off": [list(head) for head in off],
            "kl_bits": found.kl_bits,
            "loss_before": found.loss_before,
            "loss_after": found.loss_after,
            "top": [{"token": t, "text": w, "before": b, "after": a} for t, w, b, a in rows],
        },
        table=(("token", "text", "p_all_on", "p_now"), rows),
        pane=screen.body.query_one("#a-next-pane"),
    )
