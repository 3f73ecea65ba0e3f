"""What the screens share: the model on the workbench, one to compare it with, the tokenizer, the prompt, the device.

Headless and without torch: a model is held by its name (a spec, see DESIGN.md); whoever needs the weights loads them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from core.errors import InputError, nearest

DEFAULT_MODEL = "demo"
DEFAULT_PROMPT = "The for statement is used to"
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Bench:
    """One state of the workbench; plain values, so that it can be compared and kept."""

    a: str = DEFAULT_MODEL
    """The current model, by spec: ``demo``, ``NAME@STEP``, a path, ``gpt2``."""
    b: str | None = None
    """The model to compare with, or None."""
    tokenizer: str | None = None
    """A tokenizer that stays whatever the model is; None: the model's own."""
    prompt: str = DEFAULT_PROMPT
    """The text that Attention and Generate share."""
    device: str = "auto"
    """Where inference runs: auto, cpu, cuda (or cuda:N), mps."""


Subscriber = Callable[[Bench, Bench], None]


class Workbench:
    """The current ``Bench``, who wants to hear of changes, and a counter by which late answers are recognised."""

    def __init__(self, bench: Bench | None = None) -> None:
        self._bench = bench or Bench()
        self._subscribers: list[Subscriber] = []
        self.generation = 0
        """Rises with each change; an answer computed for an older one is thrown away."""

    @property
    def bench(self) -> Bench:
        """The current state."""
        return self._bench

    @property
    def a(self) -> str:
        """The current model's spec."""
        return self._bench.a

    @property
    def b(self) -> str | None:
        """The spec of the model to compare with."""
        return self._bench.b

    @property
    def tokenizer(self) -> str | None:
        """The pinned tokenizer's name."""
        return self._bench.tokenizer

    @property
    def prompt(self) -> str:
        """The shared prompt."""
        return self._bench.prompt

    @property
    def device(self) -> str:
        """Where inference runs."""
        return self._bench.device

    def set(self, **changes: Any) -> Bench:
        """Changes some of it and tells the subscribers; if one of them fails, the old state is put back.

        Args:
            changes: fields of ``Bench`` with their new values.

        Raises:
            InputError: a field that does not exist, or a value that cannot be one.
        """
        new = _checked(self._bench, changes)
        old = self._bench
        if new == old:
            return old
        self._bench = new
        self.generation += 1
        told: list[Subscriber] = []
        try:
            for subscriber in tuple(self._subscribers):
                told.append(subscriber)
                subscriber(old, new)
        except Exception:
            self._bench = old
            self.generation += 1
            for subscriber in told[:-1]:  # whoever followed the change follows it back
                subscriber(new, old)
            raise
        return new

    def refresh(self) -> None:
        """Tells the subscribers that what is named is another thing now, though its name is the same."""
        self.generation += 1
        for subscriber in tuple(self._subscribers):
            subscriber(self._bench, self._bench)

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Calls ``callback(old, new)`` after each change.

        Returns:
            A function that ends the subscription; calling it twice does no harm.
        """
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {f.name: getattr(self._bench, f.name) for f in fields(Bench)}

    @classmethod
    def from_dict(cls, raw: object) -> Workbench:
        """A workbench from what ``to_dict`` gave; what cannot be used is left at its default.

        >>> Workbench.from_dict({"a": "shakes@best", "device": 7, "new": 1}).to_dict()["a"]
        'shakes@best'
        """
        bench = Bench()
        for name, value in raw.items() if isinstance(raw, dict) else ():
            try:
                bench = _checked(bench, {name: value})
            except InputError:  # from a newer version, or edited by hand
                continue
        return cls(bench)


def _checked(bench: Bench, changes: dict[str, Any]) -> Bench:
    known = [f.name for f in fields(Bench)]
    for name, value in changes.items():
        if name not in known:
            raise InputError(f"the workbench has no {name!r}{nearest(name, known)}", f"it has: {', '.join(known)}")
        optional = name in ("b", "tokenizer")
        if not (isinstance(value, str) or (optional and value is None)):
            raise InputError(f"{name} of the workbench must be a text, {value!r} came", "leave it out for its default")
        if name in ("a", "b", "tokenizer") and value is not None and not value.strip():
            raise InputError(f"{name} of the workbench must not be empty", "name a model, for example demo")
        if name == "device" and isinstance(value, str) and value.split(":")[0] not in DEVICES:
            raise InputError(f"no device is called {value!r}{nearest(value, DEVICES)}", f"one of: {', '.join(DEVICES)}")
    return replace(bench, **changes)
