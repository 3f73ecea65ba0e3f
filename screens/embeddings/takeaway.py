"""How the embeddings screen leaves the app: each view as Python, command, numbers and a figure for print."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.embeddings.words import GROUP_NAMES, group_of
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from core.vectors.answers import Neighbour
    from screens.embeddings.learning import Learning
    from screens.embeddings.offers import EmbedOffers
    from screens.embeddings.reader import Asked

TOP = 10
Painter = Callable[["Axes"], None]


def take_away_of(screen: EmbedOffers) -> TakeAwayRequest | None:
    """What is shown; None while nothing is."""
    page = screen.body.page
    if page == "words":
        view = screen.body.view
        made = {"near": _near, "analogy": _analogy, "map": _map, "matrix": _matrix}[view]
        return made(screen) if screen.asked is not None else None
    return {"compare": _spaces, "positions": _positions, "train": _train, "evaluate": _scores}[page](screen)


def _opening(screen: EmbedOffers) -> str:
    """The lines that make ``vectors``: from their name, or by the same training where they lie in no file."""
    learning = screen.unsaved
    if learning is None:
        return f"import core\n\nvectors = core.load_vectors({screen.spec!r})\n"
    if learning.state == "done":
        return _train_python(learning)
    return "raise SystemExit('these vectors lie in no file yet: W in the lab saves them')\n"


def _command(screen: EmbedOffers, words: Sequence[str]) -> str:
    """The command line; none of vectors that lie in no file."""
    return shlex.join(words) if screen.unsaved is None else ""


def _link(screen: EmbedOffers) -> str:
    return shlex.join(["llm-lab", "open", "embed", "--model", screen.workbench.a])


def _print(painter: Painter, size: tuple[float, float] = (7.0, 5.0)) -> Callable[[Path], None]:
    """A figure that matplotlib draws when it is saved."""

    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        sheet = Print(figsize=size, dpi=150)
        painter(sheet.add_subplot())
        sheet.savefig(path, bbox_inches="tight")

    return save


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
        command=_command(screen, ["llm-lab", "vectors", spec, "neighbours", asked.word, *extra, "--json"]),
        data={"spec": spec, "word": asked.word, "measure": measure, "neighbours": [n.to_dict() for n in asked.near]},
        table=(("rank", "word", measure), [(n.rank, n.word, n.value) for n in asked.near]),
        figure=_print(_bars(asked.near, f"{screen.shown_name}: nearest to {asked.word}", measure)),
        pane=screen.body.near,
        link=_link(screen),
    )


def _analogy(screen: EmbedOffers) -> TakeAwayRequest | None:
    asked = screen.summed
    if asked is None or asked.answer is None:
        return None
    spec, how = screen.spec, asked.how
    words: list[str] = ["llm-lab", "vectors", spec, "analogy", asked.text]
    words += ["--method", "cosmul"] if _by_product(asked) else []
    words += [] if how.exclude_inputs else ["--with-inputs"]
    return TakeAwayRequest(
        what=f"analogy-{asked.text}",
        python=_analogy_python(_opening(screen), asked),
        command=_command(screen, [*words, "--json"]),
        data={"spec": spec, **asked.answer.to_dict(), "found": [n.to_dict() for n in asked.found]},
        table=(("rank", "word", "value"), [(n.rank, n.word, n.value) for n in asked.found]),
        figure=_parallelogram(screen.shown_name, asked),
        pane=screen.body.frame_of("analogy"),
        link=_link(screen),
    )


def _by_product(asked: Asked) -> bool:
    return asked.how.cosmul and all(abs(term.weight) == 1 for term in asked.expression.terms)


def _analogy_python(start: str, asked: Asked) -> str:
    how, text = asked.how, asked.expression
    keep = f", exclude_inputs={how.exclude_inputs}"
    if _by_product(asked):
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
        return _print(_bars(asked.found, asked.text, "cosine"))

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
        axes = screen.axes
        how, flags = f"axes={axes!r}", ["--components", f"{axes[0] + 1},{axes[1] + 1}"]
    elif found.method == "axes":
        how += f", pairs={list(screen.pairs)!r}"
        flags += ["--pairs", ",".join(":".join(pair) for pair in screen.pairs)]
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
        command=_command(screen, ["llm-lab", "vectors", spec, "map", *found.words, *flags, "--json"]),
        data={"spec": spec, **found.to_dict()},
        table=(("word", "x", "y"), [(w, float(x), float(y)) for w, (x, y) in zip(found.words, found.xy, strict=True)]),
        figure=_scatter(screen),
        pane=screen.body.frame_of("map"),
        link=_link(screen),
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
        command=_command(screen, ["llm-lab", "vectors", spec, "similarity", *words, "--json"]),
        data={"spec": spec, "words": words, "cosines": matrix.tolist()},
        table=(("word", *words), [(word, *row) for word, row in zip(words, matrix.tolist(), strict=True)]),
        figure=_print(paint, (8.0, 7.0)),
        pane=screen.body.matrix,
        link=_link(screen),
    )


# --- the other pages


def _spaces(screen: EmbedOffers) -> TakeAwayRequest | None:
    pane = screen.spaces
    found = pane.found
    if found is None:
        return None
    a, b = pane.specs

    def paint(axes: Axes) -> None:
        axes.scatter(found.cosines_a.ravel(), found.cosines_b.ravel(), s=8)
        axes.set_xlabel(f"cosine in {a}")
        axes.set_ylabel(f"cosine in {b}")
        alike = "undefined" if found.correlation is None else f"{found.correlation:.3f}"
        axes.set_title(f"{len(found.words)} words, correlation {alike}")

    return TakeAwayRequest(
        what=f"spaces-{a}-{b}",
        python=(
            "import core\n"
            "from core.vectors.comparison import compare_spaces\n\n"
            f"a, b = core.load_vectors({a!r}), core.load_vectors({b!r})\n"
            f"found = compare_spaces(a, b, {list(found.words)!r})\n"
            "print(found.correlation)\n"
            "for one, other, before, after in found.changes()[:10]:\n"
            "    print(one, other, before, after)\n"
        ),
        command=shlex.join(["llm-lab", "vectors", b, "similarity", *found.names_b, "--json"]),
        data={"a": a, "b": b, **found.to_dict()},
        table=(("word", "other", a, b), found.changes()),
        figure=_print(paint),
        link=_link(screen),
    )


def _positions(screen: EmbedOffers) -> TakeAwayRequest | None:
    pane = screen.places
    cosines = pane.cosines
    if cosines is None:
        return None
    spec = pane.spec

    def paint(axes: Axes) -> None:
        axes.figure.colorbar(axes.imshow(cosines, cmap="PuOr_r", vmin=-1, vmax=1), label="cosine")
        axes.set_title(f"{spec}: cosine of positions")

    names = [str(n) for n in range(len(cosines))]
    return TakeAwayRequest(
        what=f"positions-{spec}",
        python=(
            "import core\n\n"
            f"positions = core.load_vectors({spec!r})\n"
            f"cosines = positions.matrix(positions.words[:{len(cosines)}])\n"
            f"print(cosines.shape, cosines[{pane.map.place[0]}].tolist())\n"
        ),
        command=shlex.join(["llm-lab", "vectors", spec, "neighbours", str(pane.map.place[0]), "--json"]),
        data={"spec": spec, "cosines": cosines.tolist()},
        table=(("position", *names), [(i, *row) for i, row in enumerate(cosines.tolist())]),
        figure=_print(paint),
        pane=pane.map,
        link=_link(screen),
    )


def _train(screen: EmbedOffers) -> TakeAwayRequest | None:
    learning = screen.trainer.learning
    if learning is None or not learning.epochs:
        return None

    def paint(axes: Axes) -> None:
        axes.plot([e.epoch for e in learning.epochs], [e.loss for e in learning.epochs], marker="o")
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss, nats per word")
        axes.set_title(f"{learning.plan.method} on {learning.plan.corpus}")

    rows = [(e.epoch, e.loss, e.seconds, e.words_per_second) for e in learning.epochs]
    return TakeAwayRequest(
        what=f"training-{learning.plan.corpus}",
        python=_train_python(learning),
        command=_train_command(learning),
        data={
            "plan": {name: getattr(learning.plan, name) for name in learning.plan.__slots__},
            "state": learning.state,
            "epochs": [
                {"epoch": e.epoch, "loss": e.loss, "words_per_second": e.words_per_second, "probes": dict(e.probes)}
                for e in learning.epochs
            ],
        },
        table=(("epoch", "loss", "seconds", "words_per_second"), rows),
        figure=_print(paint),
        link=_link(screen),
    )


_SETTINGS = ("vector_size", "window", "min_count", "epochs")


def _train_python(learning: Learning) -> str:
    from screens.embeddings.learning import TEACHING

    plan = learning.plan
    settings = "".join(f", {name}={getattr(plan, name)}" for name in _SETTINGS)
    made = f"train_steps({plan.corpus!r}, config, {list(plan.probes)!r})"
    start = "from core.vectors.training import train_steps\n"
    if plan.corpus == TEACHING:
        start = (
            "from core.vectors.teaching import SEED, write_corpus\nfrom core.vectors.training import VectorTraining\n"
        )
        made = f"VectorTraining(write_corpus(SEED), config, {list(plan.probes)!r})"
    return (
        f"{start}from core.vectors.training_config import Word2VecConfig\n\n"
        f"config = Word2VecConfig(method={plan.method!r}{settings})\n"
        f"training = {made}\n"
        "for event in training:\n"
        '    if event.kind == "epoch":\n'
        "        print(event.epoch, event.loss, event.probes)\n"
        "vectors = training.vectors()\n"
    )


def _train_command(learning: Learning) -> str:
    plan = learning.plan
    words = ["llm-lab", "vectors", "train", plan.corpus, "--method", plan.method]
    for name in _SETTINGS:
        words += ["--" + name.replace("_", "-"), str(getattr(plan, name))]
    if plan.probes:
        words += ["--probes", ",".join(plan.probes)]
    from screens.embeddings.learning import TEACHING

    if plan.corpus == TEACHING:  # a text that the program writes itself: there is no such corpus to name
        return ""
    return shlex.join([*words, "-o", "vectors.bin"])


def _scores(screen: EmbedOffers) -> TakeAwayRequest | None:
    pane = screen.scorer
    if not pane.scores and pane.pairs is None:
        return None
    spec, questions = pane.spec, pane.questions
    rows: list[tuple[Any, ...]]
    if pane.pairs is not None:
        p = pane.pairs
        call = (
            f"from core.vectors.evaluation import evaluate_pairs\n\n"
            f"score = evaluate_pairs(core.load_vectors({spec!r}), {questions!r})\n"
            "print(score.spearman, score.pearson, score.pairs, score.unknown)\n"
        )
        data: Any = p.to_dict()
        header, rows = (
            ("name", "spearman", "pearson", "pairs", "unknown"),
            [(p.name, p.spearman, p.pearson, p.pairs, p.unknown)],
        )
        figure = None
    else:
        scores = list(pane.scores.values())
        call = (
            f"from core.vectors.evaluation import evaluate_analogies\n\n"
            f"for score in evaluate_analogies(core.load_vectors({spec!r}), {questions!r}):\n"
            "    if score.finished:\n"
            "        print(score.section, score.right, score.asked, score.accuracy)\n"
        )
        data = {"spec": spec, "questions": questions, "sections": [score.to_dict() for score in scores]}
        header = ("section", "right", "asked", "unknown", "questions")
        rows = [(s.section, s.right, s.asked, s.unknown, s.questions) for s in scores]

        def paint(axes: Axes) -> None:
            asked = [s for s in scores if s.accuracy is not None][::-1]
            axes.barh([s.section for s in asked], [100 * (s.accuracy or 0.0) for s in asked], color="#56B4E9")
            axes.set_xlabel("% right")
            axes.set_title(f"{spec} by {questions}")

        figure = _print(paint)
    return TakeAwayRequest(
        what=f"scores-{questions}",
        python=f"import core\n{call}",
        command=_command(screen, ["llm-lab", "vectors", spec, "evaluate", questions, "--json"]),
        data=data,
        table=(header, rows),
        figure=figure,
        pane=pane.sections,
        link=_link(screen),
    )
