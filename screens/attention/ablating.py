"""Heads off and on, each head off once (a job), and two models beside each other.

Abstract: ``AttentionScreen`` completes it.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from textual import on
from textual.message import Message

from screens.attention.painting import Painting
from screens.attention.saying import NO_REPEATS
from screens.attention.view import figure, head_text, measure_of, off_text, ranked
from screens.guard import as_lab_error, guarded
from screens.widgets.head_grid import HeadGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.errors import LabError
    from core.workbench import Workbench
    from screens.attention.seen import Head, Seen
    from screens.widgets.jobs import Job

LONG = 0.5
"""Seconds after which a sweep is a job that the list of jobs tells of."""
TOLD = 0.1
"""Seconds between two reports of a sweep."""


class Ablating(Painting):
    """The verbs that change the model, as far as the picture goes: the weights stay as they are."""

    class Swept(Message):
        """Some heads were switched off once: so many, in the order of the model; NaN where it has not been yet."""

        def __init__(self, key: object, values: NDArray[np.float32], come: int, *, cancelled: bool = False) -> None:
            super().__init__()
            self.key = key
            self.values = values
            self.come = come
            self.cancelled = cancelled

    class SweepFailed(Message):
        """The sweep could not go on."""

        def __init__(self, error: LabError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._comparing = False
        self._sweep: tuple[object, threading.Event] | None = None

    @property
    def comparing(self) -> bool:
        """Whether B is shown beside A."""
        return self._comparing and self.workbench.b is not None

    # --- heads off and on

    def set_off(self, off: frozenset[Head]) -> None:
        """Switches exactly these heads off."""
        if off == self.off:
            self.say("all heads are on" if not off else "that is so already")
            return
        self.off = off
        self.body.grid.strike(off)
        seen = self.seen
        if seen is not None:
            self.paint_prompt()
            self.say(off_text(off, seen.layers, seen.heads) or "all heads are on")
        self.ask()
        if self.comparing:
            self.ask("b")

    def action_ablate(self) -> None:
        """This head off, or on again."""
        self.set_off(self.off ^ {(self.place.layer, self.place.head)})

    def action_ablate_layer(self) -> None:
        """All heads of the layer off, or on again."""
        if self.seen is not None:
            row = {(self.place.layer, head) for head in range(self.seen.heads)}
            self.set_off(self.off - row if row <= self.off else self.off | row)

    def action_ablate_others(self) -> None:
        """All heads but this one off."""
        if self.seen is not None:
            every = {(la, h) for la in range(self.seen.layers) for h in range(self.seen.heads)}
            self.set_off(frozenset(every - {(self.place.layer, self.place.head)}))

    def action_all_on(self) -> None:
        """All heads on."""
        self.set_off(frozenset())

    @on(HeadGrid.HeadToggled)
    @guarded
    def _toggled(self, event: HeadGrid.HeadToggled) -> None:
        event.stop()
        self.set_off(self.off ^ {(event.layer, event.head)})

    # --- each head off once

    def on_unmount(self) -> None:
        """A sweep of a large model would keep the app from ending."""
        if self._sweep is not None:
            self._sweep[1].set()

    def action_sweep(self) -> None:
        """Switches each head off once and measures what that does; again while it runs: cancels."""
        seen = self.seen
        if seen is None:
            self.say("there is no text yet")
            return
        if self._sweep is not None and self._sweep[0] == self.swept and self.stop_streaming():
            return
        self.set_measure("effect")
        cancel = threading.Event()
        self._sweep = (self.swept, cancel)
        work = partial(self._sweep_in_thread, seen, self.swept, cancel)
        self.run_worker(work, thread=True, group="sweep", exit_on_error=False, description="each head off once")

    @property
    def sweeping(self) -> bool:
        """Whether a sweep goes on."""
        return self._sweep is not None and not self._sweep[1].is_set()

    def stop_streaming(self) -> bool:
        """Ends the sweep; whether there was one."""
        if self._sweep is None or not self.sweeping:
            return False
        self._sweep[1].set()
        return True

    def _sweep_in_thread(self, seen: Seen, key: object, cancel: threading.Event) -> None:
        from core.model.ablation import sweep

        values = np.full((seen.layers, seen.heads), np.nan, np.float32)
        began, told, come = time.monotonic(), 0.0, 0
        job: Job | None = None
        try:
            for effect in sweep(seen.loaded.model, list(seen.ids), cancel):
                # A single token has no loss; how far its successor's distribution moves is all there is to say.
                values[effect.layer, effect.head] = effect.loss_change if seen.tokens > 1 else effect.kl_bits
                now, come = time.monotonic(), effect.number
                if job is None and now - began > LONG and effect.number < effect.of:
                    job = self.jobs.add(f"each head off once, {seen.spec}", cancel.set)
                    job.in_sight = lambda: self.is_current
                if job is not None:
                    job.update(effect.number, effect.of, f"{effect.number} of {effect.of} heads")
                if now - told > TOLD or effect.number == effect.of:
                    told = now
                    self.post_message(self.Swept(key, values.copy(), come))
        except Exception as error:
            cancel.set()
            known = as_lab_error(error)
            if job is not None:
                job.fail(known)
            self.post_message(self.SweepFailed(known))
            return
        if cancel.is_set():
            self.post_message(self.Swept(key, values.copy(), come, cancelled=True))
            if job is not None:
                job.cancel()
            return
        cancel.set()
        if job is not None:
            job.finish(best_text(values, seen.tokens))

    @on(Swept)
    @guarded
    def _swept_came(self, message: Ablating.Swept) -> None:
        if len(self.effects) > 20:
            self.effects.clear()
            self.come.clear()
        self.effects[message.key], self.come[message.key] = message.values, message.come
        if message.key == self.swept:
            self._grid_ends = {key: ends for key, ends in self._grid_ends.items() if "effect" not in _words(key)}
            self.paint_grid()
            self.paint_head()
            if message.cancelled and message.come < message.values.size:
                self.say(f"ended after {message.come} of {message.values.size} heads · d begins anew")
            elif not np.isnan(message.values).any():
                self.say(best_text(message.values, self.tokens))

    @on(SweepFailed)
    @guarded
    def _sweep_failed(self, message: Ablating.SweepFailed) -> None:
        self.text_failed("a", message.error)

    # --- the measure

    def set_measure(self, name: str) -> None:
        """What the grid says of each head."""
        self.measure = name
        self.keep()
        self.paint_grid()
        self.paint_head()
        measure = measure_of(name, self.tokens)
        by = f" ({measure.source})" if measure.source else ""
        about = NO_REPEATS if self.nothing_repeats else f"{measure.about}{by}"
        self.say(f"measure: {measure.title} · {about}")

    # --- A and B

    def action_compare(self) -> None:
        """A minus B, or A alone again."""
        if self.workbench.b is None:
            self.say("there is no model to compare with: w, then b on a model")
            return
        self._comparing = not self._comparing
        if self._comparing:
            self.ask("b")
            self.say(f"comparing with {self.workbench.b} …")
        else:
            self.other = None
            self.measured.pop("b", None)
            self.paint_all()

    def compared(self) -> None:
        """Says what came of a comparison."""
        a, b = self.seen, self.other
        if a is None or b is None:
            return
        if self.differs:
            self.say(f"A−B: {a.spec} minus {b.spec}, orange where A looks more")
        elif a.ids != b.ids:
            self.say(f"{a.spec} and {b.spec} cut this text into other tokens, so there is no difference to draw")
        else:
            self.say(f"{a.layers}×{a.heads} heads and {b.layers}×{b.heads}: no head has its counterpart")


def best_text(values: NDArray[Any], tokens: int = 0) -> str:
    """Which head matters most, without which the text is easier, and which matters least.

    Of a text of one token, which has no loss, how far its successor's distribution moves decides.

    >>> best_text(np.array([[0.1, 0.4], [-0.2, np.nan]]))
    'L0 H1 matters most: loss +0.400 nats without it · easier without L1 H0: -0.200 · least: L0 H0 +0.100'
    >>> best_text(np.array([[-0.1, -0.3]]))
    'no head helps here · easier without L0 H1: -0.300 · least: L0 H0 -0.100'
    >>> best_text(np.array([[0.1, 0.3]]), tokens=1)
    'L0 H1 matters most: without it the next token moves by 0.300 bits · least: L0 H0 0.100'
    """
    order = [head for head in ranked(values) if values[head] == values[head]]
    if not order:
        return "no head gives a number"
    if tokens == 1:
        said = f"{head_text(order[0])} matters most: without it the next token moves by {figure(values[order[0]])} bits"
        return said if len(order) < 2 else f"{said} · least: {head_text(order[-1])} {figure(values[order[-1]])}"
    best, easier, least = order[0], order[-1], min(order, key=lambda head: abs(float(values[head])))
    parts, told = ["no head helps here"], []
    if values[best] > 0:
        parts = [f"{head_text(best)} matters most: loss {_signed(values[best])} nats without it"]
        told.append(best)
    if values[easier] < 0:
        parts.append(f"easier without {head_text(easier)}: {_signed(values[easier])}")
        told.append(easier)
    if least not in told:
        parts.append(f"least: {head_text(least)} {_signed(values[least])}")
    return " · ".join(parts)


def _signed(value: float) -> str:
    return f"+{figure(float(value))}" if value >= 0 else figure(float(value))


def _words(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else ()
