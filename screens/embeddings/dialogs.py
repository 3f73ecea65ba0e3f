"""The dialogs of the embeddings screen: a file of vectors, a word for the set, what to train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from core.errors import LabError
from core.vectors.centring import split_centred
from screens.embeddings.query_box import Complete, QueryBox
from screens.widgets.dialog import Dialog
from screens.widgets.word_map_labels import plain

SHOWN = 60
"""Characters of a path that are shown where it is wrong."""
LARGE = 300_000_000
"""Bytes of a file from which reading it is asked for first."""


def reason_against(text: str, kind: str = "vectors") -> str:
    """Why this cannot be a file of some kind; empty if it can: what is in it is looked at when it is read."""
    if not text.strip():
        return f"type the path of a file of {kind}"
    try:
        path = Path(text.strip()).expanduser()
        if not path.exists():
            return f"there is no {_brief(str(path))}"
        if path.is_dir():
            return f"{_brief(str(path))} is a folder; a file of {kind} was expected"
        if not path.stat().st_size and not path.is_char_device():
            return f"{_brief(str(path))} is empty"
    except (OSError, RuntimeError, ValueError) as error:  # no such home, a name too long, a folder that is locked
        return f"{_brief(text.strip())} cannot be opened: {getattr(error, 'strerror', '') or error}"
    return ""


def _brief(path: str) -> str:
    return path if len(path) <= SHOWN else f"…{path[1 - SHOWN :]}"


class OpenQuestions(Dialog[str]):
    """The path of a file, or None."""

    HEADING = "a file of questions"
    KEYS = "enter open · esc close"
    KIND = "questions"
    ASKED = "analogies, four words a line; or pairs of words with a number"
    DEFAULT_CSS = """
    OpenQuestions #reason { color: $text-warning; height: auto; }
    """

    def compose_box(self) -> ComposeResult:
        """Field and reason."""
        yield Input(placeholder=self.ASKED, compact=True)
        yield Static(id="reason", markup=False)

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if self.is_name(text):
            self.dismiss(text)
            return
        reason = reason_against(text, self.KIND)
        if reason:
            self.query_one("#reason", Static).update(reason)
        else:
            self.dismiss(str(Path(text).expanduser()))

    def is_name(self, text: str) -> bool:
        """Whether it names what is no file."""
        return False


class OpenVectors(OpenQuestions):
    """The path of a file, or the name of a model's table, or None."""

    HEADING = "open word vectors"
    KIND = "vectors"
    ASKED = "FILE.bin, FILE.txt, FILE.vec, any of them .gz; or MODEL:wte"

    def is_name(self, text: str) -> bool:
        """A table of a model."""
        return (split_centred(text) or text).endswith((":wte", ":wpe", ":head"))


class AddWord(Dialog[str]):
    """A word for the set, completed as it is typed; or several, with spaces between them."""

    HEADING = "add words to the set"
    KEYS = "enter add · right takes the completion · esc close"

    def __init__(self, complete: Complete) -> None:
        super().__init__()
        self._complete = complete

    def compose_box(self) -> ComposeResult:
        """Field and what begins so."""
        yield QueryBox(self._complete, id="word", placeholder="one word, or several with spaces between them")
        yield Static(id="begun", markup=False)

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one(QueryBox).focus()

    @on(QueryBox.Completions)
    def _begun(self, event: QueryBox.Completions) -> None:
        event.stop()
        self.query_one("#begun", Static).update(plain("  ".join(event.words)))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train."""

    corpus: str
    method: str = "skip-gram"
    vector_size: int = 64
    window: int = 5
    min_count: int = 5
    epochs: int = 10
    probes: tuple[str, ...] = ()


_FIELDS = (
    ("corpus", "corpus: python-docs, tiny-shakespeare, teaching, or the path of a text"),
    ("method", "method: skip-gram (each word predicts its neighbours) or cbow"),
    ("vector_size", "numbers in a vector"),
    ("window", "words looked at on each side"),
    ("min_count", "words that stand less often are left out"),
    ("epochs", "times that the text is read"),
    ("probes", "probes: words whose neighbours are watched"),
)


class PlanVectors(Dialog[Plan]):
    """A training, each field with what it means; what cannot be is said where it was typed."""

    HEADING = "train word vectors (word2vec)"
    KEYS = "tab next field · enter begins · esc close"
    DEFAULT_CSS = """
    PlanVectors > #box { overflow-y: auto; }
    PlanVectors .label { color: $text-muted; height: 1; }
    PlanVectors #reason { color: $text-warning; height: auto; }
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def compose_box(self) -> ComposeResult:
        """The fields; what is wrong stands above them, where a low terminal still has it."""
        yield Static(id="reason", markup=False)
        for name, label in _FIELDS:
            value = getattr(self._plan, name)
            yield Static(label, classes="label", markup=False)
            shown = " ".join(value) if isinstance(value, tuple) else str(value)
            yield Input(shown, id=f"plan-{name.replace('_', '-')}", compact=True)

    def on_mount(self) -> None:
        """Ready to type."""
        self.query(Input).first().focus()

    @on(Input.Submitted)
    def _begin(self, event: Input.Submitted) -> None:
        event.stop()
        values = {name: self.query_one(f"#plan-{name.replace('_', '-')}", Input).value.strip() for name, _ in _FIELDS}
        plan, reason = plan_of(values)
        if plan is None:
            self.query_one("#reason", Static).update(reason)
        else:
            self.dismiss(plan)


def plan_of(values: dict[str, str]) -> tuple[Plan | None, str]:
    """A plan from what was typed, or why it is none."""
    from core.vectors.training_config import Word2VecConfig

    if not values["corpus"]:
        return None, "name a corpus, or the path of a text"
    numbers = {}
    for name in ("vector_size", "window", "min_count", "epochs"):
        if not values[name].isascii() or not values[name].isdigit():
            return None, f"{name.replace('_', ' ')}: a whole number was expected, got {values[name] or 'nothing'}"
        numbers[name] = int(values[name])
    method = values["method"].lower()
    if method not in ("skip-gram", "cbow"):
        return None, f"method: skip-gram or cbow was expected, got {values['method'] or 'nothing'}"
    try:
        Word2VecConfig(method=method, **numbers)  # type: ignore[arg-type]
    except LabError as error:
        return None, error.title
    probes: Sequence[str] = values["probes"].replace(",", " ").split()
    return Plan(values["corpus"], method, **numbers, probes=tuple(probes)), ""
