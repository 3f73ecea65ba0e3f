"""The form of a new run: a preset, every field with its meaning, checked while it is typed, with a live estimate.

It opens on the list of presets, where ``enter`` starts, so that three keys lead from the app to a model that learns.
What the fields are and whether they make a run is decided in ``training_fields``; starting is the screen's business.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from core.errors import InputError
from core.presets import TRAIN_PRESETS
from screens.training.estimate import WAITING, Estimated, Timings, figures, presets_first, rough_for
from screens.training.fields import Checked, as_command, as_python, brought_by, check, form_fields, texts_of
from screens.training.rows import FieldRow, NameRow
from screens.training.start import StartRequest
from screens.training.style import FORM_STYLE
from screens.widgets.dialog import Dialog
from screens.widgets.plot_data import clock

if TYPE_CHECKING:
    from core.config import TrainConfig

_GROUPS = {"what": "what it learns", "model": "the model", "training": "how it learns"}


class NewRunForm(Dialog[StartRequest]):
    """Gives a checked ``StartRequest``, or None when it is cancelled."""

    DEFAULT_CSS = FORM_STYLE
    HEADING = "new run"
    KEYS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority, since otherwise what is typed right after one of these still goes to the field that was left.
        Binding("tab", "next(1)", show=False, priority=True, id="form.next", tooltip="the next field or button"),
        Binding("shift+tab", "next(-1)", show=False, priority=True, id="form.previous", tooltip="the one before"),
        Binding("enter", "next_field", show=False, priority=True, id="form.enter", tooltip="the next field"),
        Binding("up", "field(-1)", show=False, priority=True, id="form.up", tooltip="the field above"),
        Binding("down", "field(1)", show=False, priority=True, id="form.down", tooltip="the field below"),
        Binding("ctrl+s", "start", "Start", id="form.start", tooltip="start the run from any field"),
        Binding("ctrl+y", "take_away", "Take away", id="form.take", tooltip="copy the run as Python and command"),
    ]

    class Measured(Message):
        """An estimate or a measurement of a configuration came in."""

        def __init__(self, estimated: Estimated) -> None:
            super().__init__()
            self.estimated = estimated

    def __init__(
        self, timings: Timings, *, base: TrainConfig | None = None, stem: str | None = None, busy: bool = False
    ) -> None:
        """
        Args:
            timings: the steps measured so far.
            base: what the fields hold at first; left out, the first preset.
            stem: the run that ``base`` is of: the new one gets its name and a number, and no preset is chosen.
            busy: whether a run takes the machine's time, so that a measurement would be wrong.
        """
        super().__init__()
        self._presets = presets_first(TRAIN_PRESETS)
        self._preset = self._presets[0] if stem is None else None
        self._stem = stem
        self._base = base or TRAIN_PRESETS[self._presets[0]].config
        self._texts = texts_of(self._base)
        self._stands = asyncio.Event()
        self._timings = timings
        self._busy = busy
        self._fields = form_fields()
        self._checked = Checked(self._base, {})
        self._filling = False
        self._asked = 0
        self._cancel_measure = threading.Event()
        self._pause: Timer | None = None

    # --- building

    def compose_box(self) -> ComposeResult:
        """Presets and the estimate left, fields right, what to press below."""
        with Horizontal(id="form-body"):
            with Vertical(id="form-left"):
                yield OptionList(*(self._option(n) for n in self._presets), id="presets", classes="frame")
                yield Static(WAITING, id="estimate", classes="frame", markup=False)
            with VerticalScroll(id="fields", classes="frame", can_focus=False):
                yield Static("", id="loading-fields")
        yield Static("", id="meaning", markup=False)
        with Horizontal(id="form-buttons"):
            yield Button("Start", id="start", variant="primary", compact=True)
            yield Button("Take away", id="take", compact=True)
            yield Button("Cancel", id="cancel", compact=True)
            yield Static("", id="form-keys", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Less around the form where there is little room."""
        self.set_class(event.size.width < 100 or event.size.height < 30, "-small")
        self._say_keys()

    def on_mount(self) -> None:
        """The preset list (or what starts a changed run) has the focus at once; the fields follow."""
        presets = self.query_one("#presets", OptionList)
        presets.border_title = "presets"
        if self._preset is None:
            presets.highlighted = None
            self.query_one("#start").focus()
        else:
            presets.focus()
        self.query_one("#estimate").border_title = "on this machine"
        self.query_one("#fields").border_title = "every field · ctrl+s starts"
        self.call_after_refresh(self._mount_fields)
        self._changed(at_once=True)

    def on_unmount(self) -> None:
        """Also when the app ends with the form open: a thread that measures would keep it waiting."""
        self._cancel_measure.set()

    async def _mount_fields(self) -> None:
        scroll = self.query_one("#fields", VerticalScroll)
        rows: list[Widget] = []
        group = ""
        for field in self._fields:
            if field.group != group:
                group = field.group
                rows.append(Static(_GROUPS[group], classes="group", markup=False))
                if group == "what":
                    rows.append(NameRow(f"{self._stem} with a number" if self._stem else "the preset's name"))
            rows.append(FieldRow(field, self._texts[field.name]))
        self._filling = True
        await self.query_one("#loading-fields").remove()
        await scroll.mount_all(rows)
        self._stands.set()
        self.call_after_refresh(self._filled)

    def _filled(self) -> None:
        self._filling = False
        if self.texts() != self._texts:  # somebody types fast
            self._changed()

    def _option(self, name: str) -> Option:
        preset = TRAIN_PRESETS[name]
        text = Text.assemble((name, "bold"))
        seconds = self._timings.whole_run(preset.config)
        measured = f"{clock(seconds)} here, measured · " if seconds is not None else ""
        text.append(f"\n{measured}{preset.summary}")  # dim, it could not be read on the cursor
        return Option(text, id=name)

    # --- what is typed

    @property
    def config(self) -> TrainConfig | None:
        """What would be started now; None while something is wrong."""
        return self._checked.config

    @property
    def ready(self) -> bool:
        """Whether the fields stand and hold their values."""
        return bool(self.query(FieldRow)) and not self._filling

    def texts(self) -> dict[str, str]:
        """What stands in each field; before the fields are there, the preset's values."""
        rows = self.query(FieldRow)
        return {r.field.name: r.query_one(Input).value for r in rows if r.is_mounted and r.query(Input)}

    @on(OptionList.OptionHighlighted, "#presets")
    def _preset_chosen(self, event: OptionList.OptionHighlighted) -> None:
        name = event.option_id or self._preset
        presets = event.option_list
        if name is None or name == self._preset or presets.highlighted_option is not event.option:
            return
        self._preset, self._stem = name, None
        self._base = TRAIN_PRESETS[name].config
        before, self._texts = self._texts, texts_of(self._base)
        for row in self.query(FieldRow):
            field = row.query_one(Input)
            if field.value == before[row.field.name]:  # what a person typed stays
                with self.prevent(Input.Changed):
                    field.value = self._texts[row.field.name]
        self._changed()

    @on(OptionList.OptionSelected, "#presets")
    def _preset_entered(self) -> None:
        self.action_start()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if self._filling:
            return
        row = event.input.parent.parent if event.input.parent else None
        if isinstance(row, FieldRow) and row.field.name == "init_from":
            self._fill(brought_by(event.value.strip()))
        self._changed()

    def _fill(self, texts: Mapping[str, str]) -> None:
        """Puts into fields what another field decides."""
        for row in self.query(FieldRow):
            if row.field.name in texts:
                with self.prevent(Input.Changed):
                    row.query_one(Input).value = texts[row.field.name]

    def on_descendant_focus(self) -> None:
        """The meaning of the focused field stands in full below, and beside the buttons what ``enter`` does there."""
        self._say_keys()
        row = self.focused.parent.parent if isinstance(self.focused, Input) and self.focused.parent else None
        line = self.query_one("#meaning", Static)
        if isinstance(row, FieldRow):
            more = f"  ({', '.join(row.field.choices)})" if row.field.choices else ""
            line.update(row.field.meaning + more)
        else:
            line.update("the name of the run's folder" if isinstance(row, NameRow) else "")

    def _say_keys(self) -> None:
        small = self.has_class("-small")
        if isinstance(self.focused, Input):
            words = "ctrl+s starts" if small else "enter: next field · ctrl+s starts · esc close"
        elif isinstance(self.focused, Button):
            words = "" if small else "enter presses the button · ctrl+s starts"
        else:
            words = "enter starts" if small else "enter starts · tab fields · esc close"
        self.query_one("#form-keys", Static).update(words)

    def _changed(self, at_once: bool = False) -> None:
        """Checks everything, shows the reasons, and asks for a new estimate."""
        mending = self._checked.config is None
        self._checked = check(self.texts(), self._base)
        for row in self.query(FieldRow):
            row.say(self._checked.reasons.get(row.field.name))
        self.query_one("#start", Button).disabled = self._checked.config is None
        self._cancel_measure.set()
        self._asked += 1
        if self._pause is not None:
            self._pause.stop()
        if self._checked.config is None:
            wrong = len(self._checked.reasons) + len(self._checked.general)
            lines = [f"{wrong} field{'s' * (wrong > 1)} to mend:", *self._checked.reasons, *self._checked.general]
            self.query_one("#estimate", Static).update("\n".join(lines))
            return
        if mending:
            self.query_one("#estimate", Static).update(WAITING)
        self._pause = self.set_timer(0.01 if at_once else 0.15, self._estimate)

    # --- the estimate

    def _estimate(self) -> None:
        config = self._checked.config
        if config is not None:
            self._cancel_measure = threading.Event()
            self._work_out(config, self._asked, self._cancel_measure)

    @work(thread=True, group="estimate", exclusive=True, exit_on_error=False, description="estimate of a new run")
    def _work_out(self, config: TrainConfig, asked: int, cancelled: threading.Event) -> None:
        worker = get_current_worker()
        for estimated in self._timings.work_out(config, asked, cancelled, measure=not self._busy):
            if worker.is_cancelled or cancelled.is_set():
                return
            self.post_message(self.Measured(estimated))

    @on(Measured)
    def _show_estimate(self, message: Measured) -> None:
        if message.estimated.asked != self._asked or self._checked.config is None:
            return  # a late answer to an older question
        config = self._checked.config
        shown = figures(message.estimated, config, rough_for(self._preset, config))
        self.query_one("#estimate", Static).update("\n".join(shown.lines))
        if message.estimated.measured is not None:
            presets = self.query_one("#presets", OptionList)
            for name in self._presets:
                presets.replace_option_prompt(name, self._option(name).prompt)

    # --- leaving

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Starts what stands in the form, if it can be taken."""
        self._checked = check(self.texts(), self._base)
        config = self._checked.config
        if config is None:
            first = next((r for r in self.query(FieldRow) if r.field.name in self._checked.reasons), None)
            if first is not None:
                first.query_one(Input).focus()
            self.app.bell()
            return
        if not self._name_is_good():
            return
        self._cancel_measure.set()
        self.dismiss(StartRequest(config, self._run_name() or self._stem or self._preset))

    def _name_is_good(self) -> bool:
        from core.training.runs import check_name

        try:
            check_name(self._run_name() or "unnamed")
        except InputError as error:
            self.query_one("#field-name", Input).focus()
            # After the focus, which writes the field's meaning to the same line.
            self.call_later(self.query_one("#meaning", Static).update, f"{error.title} · {error.hint}")
            self.app.bell()
            return False
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """``enter``, up and down are the form's own only where the focused part has no other use for them."""
        if action == "next_field":
            return isinstance(self.focused, Input)
        if action == "field":
            return not isinstance(self.focused, OptionList)
        return super().check_action(action, parameters)

    async def action_next(self, by: int) -> None:
        """The next field or button, or the one before; the fields come a moment after the form."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stands.wait(), 2.0)
        if by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_next_field(self) -> None:
        """From a field to the next."""
        self.focus_next()

    def action_field(self, by: int) -> None:
        """The field above or below."""
        if by > 0:
            self.focus_next(Input)
        else:
            self.focus_previous(Input)

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        """Closes the form; nothing was started."""
        self._cancel_measure.set()
        self.dismiss(None)

    @on(Button.Pressed, "#take")
    def action_take_away(self) -> None:
        """Copies the run as a command and as Python."""
        if self._checked.config is not None:
            command, python = self.take_away_texts()
            self.app.copy_to_clipboard(f"# {command}\n\n{python}")
            self.query_one("#meaning", Static).update(f"sent to the terminal's clipboard: {command}")

    def take_away_texts(self) -> tuple[str, str]:
        """The command line and the Python of what stands in the form."""
        config = self._checked.config or self._base
        return as_command(config, self._preset, self._run_name() or self._stem), as_python(config, self._preset)

    def _run_name(self) -> str | None:
        found = self.query("#field-name").results(Input)
        return next((i.value.strip() for i in found if i.value.strip()), None)

    def problems(self) -> Iterable[str]:
        """Every reason that is shown now."""
        return [*self._checked.reasons.values(), *self._checked.general]
