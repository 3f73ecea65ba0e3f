"""How the embeddings screen leaves the app: each view as Python, command, numbers and a figure for print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.vectors.groups import GROUP_NAMES, group_of
from screens.embeddings.printing import Painter, command_of, link_of, opening, printed
from screens.embeddings.takeaway_pages import (
    take_positions,
    take_scores,
    take_spaces,
    take_training,
)
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from core.vectors.answers import Neighbour
    from screens.embeddings.offers import EmbedOffers
    from screens.embeddings.reader import Asked

TOP = 10


def take_away_of(screen: EmbedOffers) -> TakeAwayRequest | None:
    """What is shown; None while nothing is."""
    page = screen.body.page
    if page == "words":
        view = screen.body.view
        made = {"near": _near, "analogy": _analogy, "map": _map, "matrix": _matrix}[view]
        return made(screen) if screen.asked is not None else None
    others = {"compare": take_spaces, "positions": take_positions, "train": take_training, "evaluate": take_scores}
    return others[page](screen)


def _opening(screen: EmbedOffers) -> str:
    return opening(screen, screen.vectors, screen.spec)


def _bars(neighbours: Sequence[Neighbour], title: str, unit: str) -> Painter:
    shown = list(neighbours[:20])[::-1]

    def paint(axes: Axes) -> None:
        axes.barh([n.word for n in shown], [n.value for n in shown], color="#56B4E9")
        axes.set_xlabel(unit)
        axes.set_title(title)

    return paint


# --- neighbours and sums


def _near(screen: EmbedOffers) -> TakeAwayRequest:
    asked, spec = screen.asked, screen.spec
    assert asked is not None
    measure = asked.how.measure
    extra = [] if measure == "cosine" else ["--measure", measure]
    return TakeAwayRequest(
        what=f"neighbours-{asked.word}",
        python=(
            f"{_opening(screen)}"
            f"for near in vectors.neighbours({asked.word!r}, {TOP}, measure={measure!r}):\n"
            "    print(near.rank, near.word, near.value)\n"
        ),
        command=command_of(screen, [spec, "neighbours"], [asked.word], extra),
        data={"spec": spec, "word": asked.word, "measure": measure, "neighbours": [n.to_dict() for n in asked.near]},
        table=(("rank", "word", measure), [(n.rank, n.word, n.value) for n in asked.near]),
        figure=printed(_bars(asked.near, f"{screen.shown_name}: nearest to {asked.word}", measure)),
        pane=screen.body.near,
        link=link_of(screen),
    )


def _analogy(screen: EmbedOffers) -> TakeAwayRequest | None:
    asked = screen.summed
    if asked is None or asked.answer is None:
        return None
    spec, how = screen.spec, asked.how
    flags = ["--method", "cosmul"] if asked.by_product else []
    flags += [] if how.exclude_inputs else ["--with-inputs"]
    known = how.unit or asked.by_product  # there is no option for words at their own lengths
    return TakeAwayRequest(
        what=f"analogy-{asked.text}",
        python=_analogy_python(_opening(screen), asked),
        command=command_of(screen, [spec, "analogy"], [asked.text], flags) if known else "",
        data={"spec": spec, **asked.answer.to_dict(), "found": [n.to_dict() for n in asked.found]},
        table=(("rank", "word", "value"), [(n.rank, n.word, n.value) for n in asked.found]),
        figure=_parallelogram(screen.shown_name, asked),
        pane=screen.body.frame_of("analogy"),
        link=link_of(screen),
    )


def _analogy_python(start: str, asked: Asked) -> str:
    how, text = asked.how, asked.expression
    keep = f", exclude_inputs={how.exclude_inputs}"
    if asked.by_product:
        given = f"{list(text.positive)!r}, {list(text.negative)!r}, {TOP}, method='cosmul'{keep}"
        return f"{start}for near in vectors.analogy({given}):\n    print(near.rank, near.word, near.value)\n"
    unit = "" if how.unit else ", unit=False"
    return (
        f"{start}answer = vectors.evaluate({asked.text!r}, {TOP}{keep}{unit})\n"
        "for near in answer.neighbours:\n"
        "    print(near.rank, near.word, near.value)\n"
        'print("with the inputs:", [near.word for near in answer.with_inputs])\n'
    )


def _parallelogram(spec: str, asked: Asked) -> Callable[[Path], None]:
    plane = asked.plane
    if plane is None:
        return printed(_bars(asked.found, asked.text, "cosine"))

    def save(path: Path) -> None:
        from core.vectors.plane_picture import write_plane

        write_plane(plane, path, title=f"{asked.expression} in {spec}")

    return save


# --- map and matrix


def _map(screen: EmbedOffers) -> TakeAwayRequest | None:
    drawn = screen.drawn
    if drawn is None or drawn.projection is None:
        return None
    found, spec = drawn.projection, screen.spec
    how, flags = f"method={found.method!r}", ["--method", found.method]
    if found.method == "pca":
        axes = drawn.axes
        how, flags = f"axes={axes!r}", ["--components", f"{axes[0] + 1},{axes[1] + 1}"]
    elif drawn.pairs is not None and found.method == "axes":
        how += f", pairs={list(drawn.pairs)!r}"
        flags += ["--pairs", ",".join(":".join(pair) for pair in drawn.pairs)]
    return TakeAwayRequest(
        what=f"map-{found.method}",
        python=(
            f"{_opening(screen)}"
            f"words = {list(found.words)!r}\n"
            f"found = vectors.project(words, {how})\n"
            "print(found.share)\n"
            "for word, (x, y) in zip(found.words, found.xy):\n"
            "    print(word, x, y)\n"
        ),
        command=command_of(screen, [spec, "map"], found.words, flags),
        data={"spec": spec, **found.to_dict()},
        table=(("word", "x", "y"), [(w, float(x), float(y)) for w, (x, y) in zip(found.words, found.xy, strict=True)]),
        figure=_scatter(screen),
        pane=screen.body.frame_of("map"),
        link=link_of(screen),
    )


def _scatter(screen: EmbedOffers) -> Callable[[Path], None]:
    drawn, title = screen.drawn, screen.shown_name
    assert drawn is not None and drawn.projection is not None
    found = drawn.projection

    def save(path: Path) -> None:
        from core.vectors.map_files import write_map

        groups = {word: GROUP_NAMES[group_of(word)] for word in found.words}
        write_map(found, path, title=f"{title}: {len(found.words)} words", groups=groups)

    return save


def _matrix(screen: EmbedOffers) -> TakeAwayRequest | None:
    drawn, spec = screen.drawn, screen.spec
    if drawn is None or not drawn.words:
        return None
    words, matrix, title = list(drawn.words), drawn.matrix, screen.shown_name

    def paint(axes: Axes) -> None:
        shown = axes.imshow(matrix, cmap="cividis", vmin=min(0.0, float(matrix.min())), vmax=1.0)
        if len(words) <= 60:
            axes.set_xticks(range(len(words)), words, rotation=90, fontsize=7)
            axes.set_yticks(range(len(words)), words, fontsize=7)
        axes.figure.colorbar(shown, label="cosine")
        axes.set_title(f"{title}: cosines")

    return TakeAwayRequest(
        what="matrix",
        python=(
            f"{_opening(screen)}"
            f"words = {words!r}\n"
            "matrix = vectors.matrix(words)\n"
            "print(matrix.shape, matrix[0].tolist())\n"
        ),
        command=command_of(screen, [spec, "similarity"], words, []),
        data={"spec": spec, "words": words, "cosines": matrix.tolist()},
        table=(("word", *words), [(word, *row) for word, row in zip(words, matrix.tolist(), strict=True)]),
        figure=printed(paint, (8.0, 7.0)),
        pane=screen.body.matrix,
        link=link_of(screen),
    )
