"""Where a command's text comes from: ``-p TEXT``, ``-f FILE``, ``-`` for standard input, or a word that is any."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

from core.errors import InputError
from lab.cli.commands import PROGRAM
from lab.cli.writing import note

_LIKE_A_FILE = re.compile(r"(~|\.{0,2})/\S+|\S+\.(txt|text|md|rst|csv|json|jsonl|html|py)")
_OPTIONS = f"{PROGRAM} generate --help lists what it takes"


def read_prompt(source: str | None, prompt: str | None, file: str | None) -> str:
    """The prompt that a line asks for; nothing at all is an empty one.

    Raises:
        InputError: two sources, a file that cannot be read, or bytes that are no UTF-8.
    """
    if source is not None and source.startswith("-") and source != "-":
        raise InputError(f"{PROGRAM} generate has no option {source.split('=')[0]}", _OPTIONS)
    if source not in (None, "-"):
        raise InputError(f"a prompt needs -p, got {source!r} alone", f"type -p {source!r}, or - for standard input")
    given = [f"{name}" for name, value in (("-", source), ("-p", prompt), ("-f", file)) if value is not None]
    if len(given) > 1:
        raise InputError(f"one source of the prompt was expected, got {' and '.join(given)}", "leave one out")
    if prompt is not None:
        return _whole(prompt, "prompt")
    where = source if file is None else file
    if where is None:
        return ""
    text = read_text(where)
    return text[:-1] if text.endswith("\n") else text  # what an editor or echo adds


def read_text_or_file(source: str) -> str:
    """What a person means who types a text, the path of a text file, or ``-`` for standard input.

    Of a file and of standard input a last line break is left away, which an editor or echo adds.

    Raises:
        InputError: it cannot be read, or is no UTF-8.
    """
    if source != "-" and not is_file(source):
        if _LIKE_A_FILE.fullmatch(source):
            note(f"there is no file {source}: this is read as a text")
        return _whole(source, "text")
    text = read_text(source)
    return text[:-1] if text.endswith("\n") else text


def is_file(source: str) -> bool:
    """Whether a text is the path of a file that is there."""
    try:
        return bool(source) and "\n" not in source and len(source) < 4096 and Path(source).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # a text that can be no path
        return False


def read_text(where: str) -> str:
    """The text of a file, or of standard input for ``-``.

    Raises:
        InputError: it cannot be read, or is no UTF-8.
    """
    name = "standard input" if where == "-" else where or "a file without a name"
    try:
        data = _standard_input() if where == "-" else Path(where).expanduser().read_bytes()
    except (OSError, RuntimeError) as error:  # RuntimeError: the home of a user who does not exist
        raise InputError(f"{name} cannot be read: {_why(error)}", "name a text file") from None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8: byte 0x{data[error.start]:02X} at {error.start:,}", "save it as UTF-8"
        ) from None


def _standard_input() -> bytes:
    if sys.stdin is None:  # as Python has it where a program is started with its input closed
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.buffer.read()


def _why(error: OSError | RuntimeError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _whole(text: str, what: str) -> str:
    """What was typed; bytes that are no UTF-8 arrive from a shell as halves of pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"the {what} is not UTF-8", "set the terminal to UTF-8, or give it as a file") from None
    return text
