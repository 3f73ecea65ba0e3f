"""What a view can be taken away as, and the dialog that offers it: Python, command, JSON, CSV, SVG, PNG, link."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from core.errors import LabError, MissingExtraError
from core.files import replace, write_bytes_atomic, write_error
from screens.widgets.dialog import Dialog

FOLDER = "llm-lab-exports"
PREVIEW_LINES = 200


@dataclass(frozen=True, slots=True)
class TakeAwayRequest:
    """A view in all the forms in which it can leave the app; what is not given has no tab."""

    what: str = "view"
    """A short name, used in file names: ``loss``."""
    python: str = ""
    """A snippet that runs as it stands and gives the same numbers."""
    command: str = ""
    """The command line that prints the same."""
    data: Any = None
    """Plain JSON values, in full precision."""
    table: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = None
    """Header and rows for CSV, all rows."""
    figure: Callable[[Path], None] | None = None
    """Draws the figure for print into a PNG file; called in a thread."""
    vector: bool = False
    """Whether it draws into an SVG file too: it goes by the end of the file's name."""
    text: Callable[[], str] | None = None
    """The view as a picture in plain text."""
    pane: Widget | None = None
    """The pane that SVG shows; None: the whole screen."""
    link: str = ""
    """The command line that opens this view."""


@dataclass(frozen=True, slots=True)
class Form:
    """One tab: its name, the end of its files, and how its text is made."""

    name: str
    suffix: str
    text: Callable[[], str]
    figure: bool = False


def csv_text(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as CSV, floats in full precision.

    >>> csv_text(["step", "loss"], [[1, 0.1], [2, None]])
    'step,loss\\n1,0.1\\n2,\\n'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def json_text(data: Any) -> str:
    """Plain values as JSON; a number that is not finite becomes null, since JSON has none."""

    def clean(value: Any) -> Any:
        if isinstance(value, float):
            return value if value - value == 0 else None
        if isinstance(value, dict):
            return {str(k): clean(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [clean(v) for v in value]
        return value

    return json.dumps(clean(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


_FONT_RULE = re.compile(r"@font-face\s*\{[^}]*\}", re.DOTALL)


def without_web_font(svg: str) -> str:
    """An exported picture that asks no server for a font when it is opened.

    >>> without_web_font("<style>@font-face { src: url('https://x/y.woff2'); } .a { fill: red }</style>")
    '<style> .a { fill: red }</style>'
    """
    return _FONT_RULE.sub("", svg)


def export_path(screen: str, what: str, suffix: str, folder: Path | None = None, now: float | None = None) -> Path:
    """Where a file goes: ``llm-lab-exports/training-loss-20260102-030405.csv``; the folder is made first.

    Raises:
        LabError: the folder cannot be made.
    """
    folder = folder or Path(FOLDER)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    clean = re.sub(r"[^\w.-]+", "-", what).strip("-").removeprefix(f"{screen}-") or "view"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"the folder {folder} cannot be made ({error.strerror})", "start the lab in a folder of yours"
        ) from error
    path = folder / f"{screen}-{clean}-{stamp}.{suffix}"
    n = 2
    while path.exists():
        path = folder / f"{screen}-{clean}-{stamp}-{n}.{suffix}"
        n += 1
    return path


class _Told(Message):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class TakeAway(Dialog[None]):
    """Tabs with a preview each; ``c`` copies, ``s`` saves, ``o`` opens Python in the editor."""

    HEADING = "take away"
    KEYS = "tab next form · c copy · s save · o open in editor (Python) · esc close"
    DEFAULT_CSS = """
    TakeAway > #box { width: 100; height: 80%; }
    TakeAway #tabs { height: 1; }
    TakeAway VerticalScroll { height: 1fr; }
    TakeAway #told { color: $text-muted; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,right,l", "form(1)", show=False, id="take.next", tooltip="next form"),
        Binding("shift+tab,left,h", "form(-1)", show=False, id="take.previous", tooltip="previous form"),
        Binding("c,y", "copy", show=False, id="take.copy", tooltip="copy to the clipboard"),
        Binding("s", "save", show=False, id="take.save", tooltip="save as a file"),
        Binding("o", "editor", show=False, id="take.editor", tooltip="open the Python in the editor"),
    ]

    class Saved(Message):
        """A file was written."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, screen_name: str, request: TakeAwayRequest, svg: str = "") -> None:
        super().__init__()
        self._screen_name = screen_name.lower()
        self._request = request
        self._forms = forms_of(request, svg)
        self._at = 0

    def compose_box(self) -> ComposeResult:
        """Tabs, preview, what happened."""
        yield Static(id="tabs", markup=False)
        with VerticalScroll():
            yield Static(id="preview", markup=False)
        yield Static(id="told", markup=False)

    def on_mount(self) -> None:
        """The first form."""
        self.query_one(VerticalScroll).focus()
        self._show()

    @property
    def form(self) -> Form:
        """The tab that is shown."""
        return self._forms[self._at]

    def _show(self) -> None:
        from rich.text import Text

        tabs = Text(no_wrap=True)
        for i, form in enumerate(self._forms):
            meta = {"@click": f"screen.pick({i})"}
            tabs.append_text(Text(f" {form.name} ", "reverse" if i == self._at else "").copy())
            tabs.apply_meta(meta, len(tabs) - len(form.name) - 2, len(tabs))
        self.query_one("#tabs", Static).update(tabs)
        text = self.form.text()
        lines = text.splitlines()
        if self.form.name == "SVG":
            text = f"{len(text):,} characters; s saves them as a file"
        elif len(lines) > PREVIEW_LINES:
            text = "\n".join(lines[:PREVIEW_LINES]) + f"\n… {len(lines) - PREVIEW_LINES:,} more lines; all are saved"
        self.query_one("#preview", Static).update(text)
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self._tell("")

    def _tell(self, text: str) -> None:
        self.query_one("#told", Static).update(text)

    def action_pick(self, index: int) -> None:
        """Another form, by click."""
        self._at = index
        self._show()

    def action_form(self, by: int) -> None:
        """The next form, or the one before."""
        self._at = (self._at + by) % len(self._forms)
        self._show()

    def action_copy(self) -> None:
        """To the terminal's clipboard; the terminal may refuse, so nothing more is claimed."""
        if self.form.figure:
            self._tell("a picture cannot be copied as text: s saves it")
            return
        self.app.copy_to_clipboard(self.form.text())
        self._tell("sent to the terminal's clipboard (if it refuses: s saves a file)")

    def action_save(self) -> None:
        """As a file under ``llm-lab-exports``."""
        self._tell("saving…")
        self._save(self.form)

    @work(thread=True, group="save", exit_on_error=False, description="save a file")
    def _save(self, form: Form) -> None:
        try:
            path = export_path(self._screen_name, self._request.what, form.suffix)
            if form.figure:
                draw_figure(self._request, path)
            else:
                write_bytes_atomic(path, form.text().encode("utf-8", "backslashreplace"), sync=False)
        except LabError as error:
            self.post_message(_Told(f"{error.title} · {error.hint}"))
        except OSError as error:
            self.post_message(
                _Told(f"it could not be saved ({error.strerror}) · free some space or choose another folder")
            )
        else:
            self.post_message(_Told(f"saved as {path}"))
            self.post_message(self.Saved(path))

    @on(_Told)
    def _was_told(self, message: _Told) -> None:
        self._tell(message.text)

    def action_editor(self) -> None:
        """Opens the Python in $VISUAL or $EDITOR; the lab waits meanwhile."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not self._request.python:
            self._tell("this view has no Python")
        elif not editor:
            self._tell("no editor is named: set EDITOR, for example EDITOR=nano; s saves the snippet")
        else:
            self._tell(edit(self.app, editor, self._request.python))


def edit(app: Any, editor: str, text: str) -> str:
    """Lets the person edit a copy of a text with the app suspended; says what came of it."""
    import shlex

    from textual.app import SuspendNotSupported

    with tempfile.TemporaryDirectory(prefix="llm-lab-") as folder:
        path = Path(folder) / "snippet.py"
        path.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
        except SuspendNotSupported:
            return "this terminal cannot lend itself to an editor; s saves the snippet"
        except (OSError, ValueError) as error:
            return f"{editor} could not be started ({error}); s saves the snippet"
        return (
            "back from the editor; what it saved elsewhere stays there" if code == 0 else f"{editor} ended with {code}"
        )


def draw_figure(request: TakeAwayRequest, path: Path) -> None:
    """Draws the figure of a request into a file, beside its name first: half a picture never stands there.

    Raises:
        MissingExtraError: matplotlib is not installed.
        DiskFullError: no space is left.
        LabError: it cannot be written.
    """
    assert request.figure is not None
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")  # its ending says which format is meant
    try:
        request.figure(beside)
        replace(beside, path)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name} is needed to draw for print", f"pip install {error.name}") from error
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def forms_of(request: TakeAwayRequest, svg: str = "") -> list[Form]:
    """The tabs that a request has."""
    forms = []
    if request.python:
        forms.append(Form("Python", "py", lambda: request.python))
    if request.command:
        forms.append(Form("Command", "sh", lambda: request.command + "\n"))
    if request.data is not None:
        forms.append(Form("JSON", "json", lambda: json_text(request.data)))
    if request.table is not None:
        header, rows = request.table
        forms.append(Form("CSV", "csv", lambda: csv_text(header, rows)))
    if svg:
        forms.append(Form("SVG", "svg", lambda: svg))
    if request.figure is not None:
        drawn = "drawn for print by matplotlib; s saves it"
        forms.append(Form("PNG", "png", lambda: drawn, figure=True))
        if request.vector:
            forms.append(Form("SVG for print", "svg", lambda: drawn, figure=True))
    if request.text is not None:
        forms.append(Form("Text", "txt", request.text))
    if request.link:
        forms.append(Form("Link", "sh", lambda: request.link + "\n"))
    return forms
