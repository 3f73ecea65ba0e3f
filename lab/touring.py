"""What the app does with the tour: offers it once, opens its steps, sees what was done, lets go and takes up again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.timer import Timer

from core.workbench import Bench, Workbench
from lab.settings import Settings
from screens.catalogue import TITLES
from screens.taught import TaughtScreen
from screens.tour import MARK, TourCard, TourOffer, TourText, Wanted

if TYPE_CHECKING:
    from lab.tour_steps import Step
    from screens.base import LabScreen

EVERY = 0.4
"""Seconds between two looks at the numbers of a step."""
OFFERS = 3
"""So many starts offer the tour; who has worked on through as many doesn't want it."""
OFFER = "First time? enter: a tour in {steps} steps · esc: never ask · any other key: work"


class TourActions(App[int]):
    """The part of the app that is about the tour."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tour_next", show=False, priority=True, id="tour.next", tooltip="tour: the next step"),
        Binding("backspace", "tour_back", show=False, priority=True, id="tour.back", tooltip="tour: the step before"),
        Binding("escape", "tour_leave", show=False, priority=True, id="tour.leave", tooltip="tour: leave it"),
        Binding("enter", "tour_take", show=False, priority=True, id="tour.take", tooltip="tour: begin"),
    ]

    workbench: Workbench
    settings: Settings
    tour_at = -1
    """The step that is shown, from 0; negative: no tour."""
    tour_done = False
    """Whether what the step asks for was done."""
    _tour_timer: Timer | None = None
    _tour_arranged = _tour_began = False
    _tour_before: object = None
    _tour_bench: Bench | None = None
    _tour_card: TourCard | None = None

    @property
    @abstractmethod
    def lab_screen(self) -> LabScreen | None:
        """The lab's screen that is shown."""

    @abstractmethod
    async def go_to(self, number: int) -> None:
        """Goes to a screen by its number, and waits until it is there."""

    @abstractmethod
    def save_soon(self) -> None:
        """Writes the settings a little later."""

    @on(Wanted)
    async def _way_clicked(self, event: Wanted) -> None:
        await self.run_action(event.action)

    # --- the offer

    def offer_tour(self) -> None:
        """One line on the first starts; the line is one row of the frame and covers nothing."""
        kept, screen = self.settings, self.lab_screen
        if kept.tour_seen or kept.tour_offers >= OFFERS or screen is None or not screen.query("#bottom"):
            return  # or a key has led to another screen already, which is not yet there
        from lab.tour_steps import STEPS

        kept.tour_offers += 1
        self.save_soon()
        offer = TourOffer(OFFER.format(steps=len(STEPS)), self.action_tour_take)
        screen.mount(offer, before="#bottom")

    def _offered(self) -> bool:
        screen = self.lab_screen
        return screen is not None and screen is self.screen and bool(screen.query("TourOffer"))

    async def on_event(self, event: events.Event) -> None:
        """Any key of work takes the offer away, and does what it does."""
        taken = isinstance(event, events.Key) and not event.is_forwarded and event.key not in ("enter", "escape")
        if taken and self._offered():
            self._withdraw()
        await super().on_event(event)

    def _withdraw(self) -> None:
        for screen in self.screen_stack:
            screen.query("TourOffer").remove()

    def action_tour_take(self) -> None:
        """Begins what was offered."""
        self._withdraw()
        self.run_worker(self.action_tour(), exit_on_error=False, description="begin the tour")

    # --- its keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The tour's keys are its own only while it is shown, and no field, dialog or lesson over the body has them."""
        if action == "tour_take":
            return self._offered()
        if action == "tour_leave" and self._offered():
            return True
        if action in ("tour_next", "tour_back", "tour_leave"):
            screen = self.lab_screen
            mine = self.tour_at >= 0 and screen is not None and screen is self.screen
            return mine and screen is not None and not screen.typing and not screen.lesson_covers
        return super().check_action(action, parameters)

    async def action_tour(self, step: int | None = None) -> None:
        """Begins the tour, or goes on where it was left."""
        from lab.tour_steps import STEPS

        kept = self.settings
        kept.tour_seen = True
        self._withdraw()
        at = kept.tour_at if step is None else step
        if self.tour_at < 0:
            self._tour_bench = self.workbench.bench
            self.workbench.set(a="demo", b=None, tokenizer=None)
            self._tour_timer = self.set_interval(EVERY, self._tour_look, name="tour")
        await self._show_step(at if 0 <= at < len(STEPS) else 0)

    async def action_tour_next(self) -> None:
        """The next step; after the last the end. From another screen, the way back to this step."""
        from lab.tour_steps import STEPS

        if self._away():
            await self._show_step(self.tour_at)
        elif self.tour_at + 1 < len(STEPS):
            await self._show_step(self.tour_at + 1)
        else:
            await self._end_tour(0, "that was the tour: ctrl+p brings it back, ? explains each screen")

    async def action_tour_back(self) -> None:
        """The step before."""
        await self._show_step(max(0, self.tour_at - 1))

    async def action_tour_leave(self) -> None:
        """Leaves the tour, which can be taken up again here; or says no to it for good."""
        if self._offered():
            self.settings.tour_seen = True
            self.save_soon()
            self._withdraw()
            if self.lab_screen is not None:
                self.lab_screen.say("the tour waits in ctrl+p and in llm-lab tour")
            return
        if self.lab_screen is not None and self.lab_screen.stop_streaming():
            return
        at = self.tour_at
        await self._end_tour(at, f"the tour waits at step {at + 1}: ctrl+p, tour")

    async def _end_tour(self, resume_at: int, said: str) -> None:
        self._tidy()
        self.tour_at = -1
        self.settings.tour_at = resume_at
        if self._tour_timer is not None:
            self._tour_timer.stop()
            self._tour_timer = None
        self._put_card_away()
        bench, self._tour_bench = self._tour_bench, None
        if bench is not None:
            now = self.workbench.bench
            self.workbench.set(a=bench.a, b=bench.b, tokenizer=bench.tokenizer, prompt=now.prompt)
        self.notify(said)  # the status line is the screen's, which may just be reading another model
        self.save_soon()

    # --- a step

    @property
    def tour_step(self) -> Step | None:
        """The step that is shown."""
        from lab.tour_steps import STEPS

        return STEPS[self.tour_at] if self.tour_at >= 0 else None

    async def _show_step(self, at: int) -> None:
        from lab.tour_steps import STEPS

        self._tidy()
        self.tour_at, self.tour_done, self._tour_arranged, self._tour_began = at, False, False, False
        self.settings.tour_at = at
        self.save_soon()
        step = STEPS[at]
        if self.lab_screen is None or self.lab_screen.lab_index != step.screen:
            await self.go_to(step.screen)
        screen = self.lab_screen
        if screen is not None:
            await self._put_card(screen)
            screen.call_after_refresh(self._tour_look)

    def _arranged(self, step: Step, screen: LabScreen) -> bool:
        """Brings the pane of the step into its place; false while the screen is still being composed."""
        if not self._tour_arranged:
            try:
                step.arrange(screen)
            except NoMatches:
                return False
            self._tour_arranged = True
        return True

    def _values(self) -> Mapping[str, str]:
        """The numbers of the screen that is shown; none while it is still being composed."""
        screen, step = self.lab_screen, self.tour_step
        if screen is None or step is None or not self._tour_arranged:
            return {}
        view = screen.lesson()
        return view.values if view is not None else {}

    def _away(self) -> bool:
        step, screen = self.tour_step, self.lab_screen
        return step is not None and screen is not None and screen.lab_index != step.screen

    def _tidy(self) -> None:
        """Undoes what the step that is left has asked for; on its screen, wherever the tour has gone since."""
        step = self.tour_step
        if step is not None and self._tour_began and self._tour_card is not None and not self._away():
            screen = self.lab_screen
            if screen is not None:
                step.tidy(screen)

    def _tour_look(self) -> None:
        """Brings the card up to date, and moves it to the screen that is shown."""
        screen, step = self.lab_screen, self.tour_step
        if screen is None or step is None or not screen.query("#bottom"):
            return
        card = self._tour_card
        if card is None or card.screen is not screen:
            self.run_worker(
                self._put_card(screen), group="tour", exclusive=True, exit_on_error=False, description="tour"
            )
            return
        if not self._away() and self._arranged(step, screen):
            self._see(step, screen, self._values())
        card.show(self._words())
        self._point(screen, "" if self._away() else step.target)

    def _see(self, step: Step, screen: LabScreen, values: Mapping[str, str]) -> None:
        """Notes how things stand when the step begins, and whether they are otherwise now."""
        if step.lacks(values) or not (self._tour_began or step.ready(screen)):
            return
        if not self._tour_began:
            step.begin(screen)
            self._tour_began = True
            self._tour_before = step.watched(screen)
        elif not self.tour_done and step.watched(screen) != self._tour_before:
            self.tour_done = True

    def _words(self) -> TourText:
        from lab.tour_steps import STEPS

        step, screen = self.tour_step, self.lab_screen
        assert step is not None and screen is not None
        where = f"tour {self.tour_at + 1} of {len(STEPS)} · {step.title}"
        first = "esc leaves the field" if screen.typing else "esc closes the lesson" if screen.lesson_covers else ""
        if self._away():
            text, name = "This is another screen: look around as long as you like.", TITLES[step.screen - 1]
            return TourText(where, text, f"space: back to {name}", first=first)
        values = self._values()
        if step.lacks(values) or not self._tour_began:
            text = f"{TITLES[step.screen - 1]}: one moment, the numbers are on their way …"
            return TourText(where, text, step.ask, first=first)
        text = step.filled(step.text, values)
        told = step.filled(step.done if self.tour_done else step.ask, values)
        return TourText(where, text, told, done=self.tour_done, first=first)

    # --- the card

    async def _put_card(self, screen: LabScreen) -> None:
        """Shows the card on a screen; each screen keeps its own, since what is hidden costs nothing to show again."""
        card = next(iter(screen.query(TourCard)), None)
        if self._tour_card is not card:
            self._put_card_away()
        if card is None:
            card = TourCard(self._words())
            await screen.mount(card, before="#bottom")
        card.show(self._words())
        card.display = True
        self._tour_card = card
        screen.lesson_moved()

    def _put_card_away(self) -> None:
        card, self._tour_card = self._tour_card, None
        if card is not None and card.is_attached and isinstance(card.screen, TaughtScreen):
            self._point(card.screen, "")
            card.display = False
            card.screen.lesson_moved()

    def _point(self, screen: TaughtScreen, target: str) -> None:
        wanted = set(screen.query(target)) if target else set()
        for widget in set(screen.query(f".{MARK}")) - wanted:
            widget.remove_class(MARK)
        for widget in wanted:
            widget.add_class(MARK)

    def tour_commands(self) -> Iterable[tuple[str, str, int | None]]:
        """What the palette offers: title, help, the step."""
        from lab.tour_steps import STEPS

        at = self.settings.tour_at
        yield ("Tour of the six screens", f"goes on at step {at + 1}" if at else f"{len(STEPS)} steps", None)
        for i, step in enumerate(STEPS):
            yield (f"Tour {i + 1}: {step.title}", f"screen {step.screen}", i)
