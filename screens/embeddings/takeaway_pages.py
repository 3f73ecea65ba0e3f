"""How the other pages of the embeddings screen leave the app: two spaces, positions, a training, scores."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from screens.embeddings.printing import SETTINGS, command_of, link_of, opening, printed, train_python
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from screens.embeddings.learning import Learning
    from screens.embeddings.offers import EmbedOffers


def take_spaces(screen: EmbedOffers) -> TakeAwayRequest | None:
    """The same words in two spaces."""
    pane = screen.spaces
    found = pane.found
    if found is None or pane.first is None:
        return None
    a, b = pane.first.spec, pane.second

    def paint(axes: Axes) -> None:
        axes.scatter(found.cosines_a.ravel(), found.cosines_b.ravel(), s=8)
        axes.set_xlabel(f"cosine in {a}")
        axes.set_ylabel(f"cosine in {b}")
        alike = "undefined" if found.correlation is None else f"{found.correlation:.3f}"
        axes.set_title(f"{len(found.words)} words, correlation {alike}")

    return TakeAwayRequest(
        what=f"spaces-{a}-{b}",
        python=(
            f"{opening(screen, pane.first, a)}"
            "from core.vectors.comparison import compare_spaces\n\n"
            f"other = core.load_vectors({b!r})\n"
            f"found = compare_spaces(vectors, other, {list(found.words)!r})\n"
            "print(found.correlation)\n"
            "for one, other, before, after in found.changes()[:10]:\n"
            "    print(one, other, before, after)\n"
        ),
        command=command_of(screen, [b, "similarity"], found.names_b, [], pane.first),
        data={"a": a, "b": b, **found.to_dict()},
        table=(("word", "other", a, b), found.changes()),
        figure=printed(paint),
        link=link_of(screen),
    )


def take_positions(screen: EmbedOffers) -> TakeAwayRequest | None:
    """The cosines of a model's positions."""
    pane = screen.places
    cosines = pane.cosines
    if cosines is None:
        return None
    spec = pane.shown

    def paint(axes: Axes) -> None:
        axes.figure.colorbar(axes.imshow(cosines, cmap="PuOr_r", vmin=-1, vmax=1), label="cosine")
        axes.set_title(f"{spec}: cosine of positions")

    names, rows = [str(n) for n in range(len(cosines))], cosines.tolist()  # once: a million numbers, for GPT-2
    return TakeAwayRequest(
        what=f"positions-{spec}",
        python=(
            "import core\n\n"
            f"positions = core.load_vectors({spec!r})\n"
            f"cosines = positions.matrix(positions.words[:{len(cosines)}])\n"
            f"print(cosines.shape, cosines[{pane.map.place[0]}].tolist())\n"
        ),
        command=shlex.join(["llm-lab", "vectors", spec, "neighbours", str(pane.map.place[0]), "--json"]),
        data={"spec": spec, "cosines": rows},
        table=(("position", *names), [(i, *row) for i, row in enumerate(rows)]),
        figure=printed(paint),
        pane=pane.map,
        link=link_of(screen),
    )


def take_training(screen: EmbedOffers) -> TakeAwayRequest | None:
    """A training: what it was told to do, and its epochs."""
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
        python=train_python(learning),
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
        figure=printed(paint),
        link=link_of(screen),
    )


def _train_command(learning: Learning) -> str:
    plan = learning.plan
    words = ["llm-lab", "vectors", "train", plan.corpus, "--method", plan.method]
    for name in SETTINGS:
        words += ["--" + name.replace("_", "-"), str(getattr(plan, name))]
    if plan.probes:
        words += ["--probes", ",".join(plan.probes)]
    from screens.embeddings.learning import TEACHING

    if plan.corpus == TEACHING:  # a text that the program writes itself: there is no such corpus to name
        return ""
    return shlex.join([*words, "-o", "vectors.bin"])


def take_scores(screen: EmbedOffers) -> TakeAwayRequest | None:
    """The scores, section by section, or the agreement with people."""
    pane = screen.scorer
    if not pane.scores and pane.pairs is None:
        return None
    spec, questions = (pane.vectors.spec if pane.vectors is not None else pane.spec), pane.questions
    start = opening(screen, pane.vectors, spec)
    rows: list[tuple[Any, ...]]
    if pane.pairs is not None:
        p = pane.pairs
        call = (
            f"from core.vectors.evaluation import evaluate_pairs\n\nscore = evaluate_pairs(vectors, {questions!r})\n"
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
            f"for score in evaluate_analogies(vectors, {questions!r}):\n"
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

        figure = printed(paint)
    return TakeAwayRequest(
        what=f"scores-{questions}",
        python=start + call,
        command=command_of(screen, [spec, "evaluate"], [questions], [], pane.vectors),
        data=data,
        table=(header, rows),
        figure=figure,
        pane=pane.sections,
        link=link_of(screen),
    )
