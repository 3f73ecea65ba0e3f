"""From the words of a command line to an exit code.

Help, version and the app itself are found without the parser; everything else goes through cyclopts, whose own error
panels are turned into our two lines.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import DiskFullError, InputError, LabError, nearest
from core.files import FULL
from lab.cli import report
from lab.cli.commands import COMMANDS, PROGRAM, root_help
from lab.cli.drawing import clean

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

INTERRUPTED = 130
PIPE_CLOSED = 141
_NO_SPACE = DiskFullError("no space left where standard output goes", "free some space there and try again")


def run(argv: list[str]) -> int:
    """Runs one command line; whatever goes wrong ends as two lines and an exit code, never as a traceback."""
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an old code page must not stop a run over one glyph
            stream.reconfigure(errors="replace")
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = clean(sys.stdout), clean(sys.stderr)
    try:
        return _run(argv)
    finally:
        sys.stdout, sys.stderr = streams


def _run(argv: list[str]) -> int:
    as_json = "--json" in _before_dashes(argv)
    try:
        code = _dispatch(argv)
        _flush()
    except LabError as error:
        code = _tell(report.expected, error, as_json)
    except BrokenPipeError:
        code = PIPE_CLOSED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        if error.errno in FULL and error.filename is None:
            _silence(sys.stdout)  # neither what is left to be written nor JSON has a place there
            code = _tell(report.expected, _NO_SPACE, False)
        else:
            code = _tell(report.unexpected, error, as_json, argv)
    except Exception as error:
        code = _tell(report.unexpected, error, as_json, argv)
    if code == PIPE_CLOSED:
        _silence(sys.stdout)
    return code


def _open_closed() -> None:
    """Gives a program that was started with a stream closed (``>&-``) one that leads nowhere: Python has None there."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the whole process


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError as error:  # a terminal that was closed says EIO, a pipe on Windows EINVAL
        if error.errno in (errno.EPIPE, errno.EIO, errno.EINVAL):
            raise BrokenPipeError from error
        raise


def _tell(how: Any, *what: Any) -> int:
    try:
        return int(how(*what))
    except BrokenPipeError:
        return PIPE_CLOSED


def _silence(stream: Any) -> None:
    """Points a closed pipe or a full disk at nothing, so that Python's flush at exit has nothing to complain about."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):  # a stream without a file descriptor has no such flush
        return


def _before_dashes(argv: Sequence[str]) -> Sequence[str]:
    return argv[: argv.index("--")] if "--" in argv else argv


def _dispatch(argv: list[str]) -> int:
    if not argv:
        from lab.cli.start import start

        return start()
    first = argv[0]
    if first in ("--help", "-h", "help") and (len(argv) == 1 or first != "help"):
        print(root_help())
        return 0
    if first == "help":
        return _dispatch([*argv[1:], "--help"])
    if first in ("--version", "-V", "version"):
        from core import __version__

        print(f'{{"version": "{__version__}"}}' if "--json" in argv else f"{PROGRAM} {__version__}")
        return 0
    if first == "watch" and len(argv) == 2 and not argv[1].startswith("-"):
        from lab.cli.start import no_terminal, watch_here

        if not no_terminal():
            return watch_here(argv[1])
    if first.startswith("-"):  # `llm-lab --model gpt2` is `llm-lab open --model gpt2`
        return _parsed(["open", *argv])
    if first not in COMMANDS:
        raise InputError(
            f"{PROGRAM} has no command {first!r}{nearest(first, COMMANDS)}",
            f"there are: {', '.join(COMMANDS)}; {PROGRAM} --help says what each does",
        )
    return _parsed(argv)


def _parsed(argv: list[str]) -> int:
    from cyclopts import CycloptsError

    app = build_app()
    try:
        command, bound, _ = app.parse_args(argv, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise _bad_words(error, argv, app) from None
    return int(command(*bound.args, **bound.kwargs) or 0)


def build_app() -> App:
    """The parser, with every command registered by name and none imported."""
    from cyclopts import App, Parameter

    from lab.cli.help import TwoColumns
    from lab.cli.reading import read_words

    app = App(
        name=PROGRAM,
        help_format="plaintext",
        help_formatter=TwoColumns(),
        version_flags=(),
        default_parameter=Parameter(converter=read_words),
        end_of_options_delimiter="--",
    )
    for command in COMMANDS.values():
        usage = " ".join(f"Usage: {PROGRAM} {command.name} {command.usage} [OPTIONS]".split())
        app.command(command.target, name=command.name, help=command.help, usage=usage)
    return app


def _bad_words(error: CycloptsError, argv: list[str], app: App) -> LabError:
    """The parser's complaint as one of ours: what was expected, what came, what to type."""
    from cyclopts import exceptions as parser

    name = argv[0]
    hint = f"{PROGRAM} {name} --help lists what it takes"
    error.verbose = False
    if isinstance(error, parser.UnknownOptionError):
        known = [n for argument in error.argument_collection for n in argument.names if n.startswith("-")]
        known.append("--help")
        asked = [word.split("=", 1)[0] for word in _before_dashes(argv)[1:]]
        unknown = [w for w in asked if w.startswith("--") and w not in known]
        unknown = unknown or [error.token.keyword or error.token.value]
        said = ", ".join(f"{word}{nearest(word, known)}" for word in dict.fromkeys(unknown))
        return InputError(f"{PROGRAM} {name} has no option {said}", hint)
    if isinstance(error, parser.UnusedCliTokensError):
        taken = [n for argument in app[name].assemble_argument_collection() for n in argument.names] + ["--help"]
        words = [word.split("=", 1)[0] for word in _before_dashes(argv)[1:] if word.startswith("--")]
        if typo := next((word for word in words if word not in taken), None):  # a command that takes - as a word
            return InputError(f"{PROGRAM} {name} has no option {typo}{nearest(typo, taken)}", hint)
        left = " ".join(error.unused_tokens or [])
        return InputError(f"{PROGRAM} {name} does not know what to do with: {left}", hint)
    if isinstance(error, parser.MissingArgumentError) and error.argument is not None:
        wanted = error.keyword or error.argument.name
        if wanted.startswith("--"):
            return InputError(f"{wanted} needs a value, and none came", hint)
        usage = COMMANDS[name].usage if name in COMMANDS else wanted
        return InputError(f"{PROGRAM} {name} needs {wanted}, and none came", f"type {PROGRAM} {name} {usage}; {hint}")
    if isinstance(error, parser.CoercionError) and error.token is not None:
        from lab.cli.reading import EXPECTED

        if error.target_type in EXPECTED:
            wanted = error.token.keyword or (error.argument.name if error.argument is not None else name)
            return InputError(f"{wanted} must be {EXPECTED[error.target_type]}, got {error.token.value!r}", hint)
    if isinstance(error, parser.RepeatArgumentError):
        return InputError(f"{error.token.keyword} was given more than once", "give it once")
    return InputError(" ".join(str(error).split()), hint)
