"""What every way of leaving the embeddings screen is made with: the vectors again, a command, a link, a figure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from core.vectors.store import Vectors
    from screens.embeddings.learning import Learning
    from screens.embeddings.offers import EmbedOffers

Painter = Callable[["Axes"], None]


SETTINGS = ("vector_size", "window", "min_count", "epochs")
"""Of a training, besides its method."""


def opening(screen: EmbedOffers, vectors: Vectors | None, spec: str) -> str:
    """The lines that make ``vectors``: from their name, or by the same training where they lie in no file."""
    learning = screen.unsaved_of(vectors)
    if learning is None:
        return f"import core\n\nvectors = core.load_vectors({spec!r})\n"
    if learning.state == "done":
        centred = "vectors = vectors.centred()\n" if vectors is not None and vectors.plain is not None else ""
        return f"import core\n{train_python(learning)}{centred}"
    return "raise SystemExit('these vectors lie in no file yet: W in the lab saves them')\n"


def train_python(learning: Learning) -> str:
    """The lines that do the same training; ``vectors`` is what it leaves."""
    from screens.embeddings.learning import TEACHING

    plan = learning.plan
    settings = "".join(f", {name}={getattr(plan, name)}" for name in SETTINGS)
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


def command_of(
    screen: EmbedOffers,
    start: Sequence[str],
    words: Sequence[str],
    flags: Sequence[str],
    vectors: Vectors | None = None,
) -> str:
    """The command line; none of vectors that lie in no file, nor of words that it would take for options."""
    made = screen.unsaved_of(screen.vectors if vectors is None else vectors)
    if made is not None or any(word.startswith("--") for word in words):
        return ""
    return shlex.join(["llm-lab", "vectors", *start, *words, *flags, "--json"])


def link_of(screen: EmbedOffers) -> str:
    """The command line that opens the screen with the same model."""
    return shlex.join(["llm-lab", "open", "embed", "--model", screen.workbench.a])


def printed(painter: Painter, size: tuple[float, float] = (7.0, 5.0)) -> Callable[[Path], None]:
    """A figure that matplotlib draws when it is saved."""

    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        sheet = Print(figsize=size, dpi=150)
        painter(sheet.add_subplot())
        sheet.savefig(path, bbox_inches="tight")

    return save
