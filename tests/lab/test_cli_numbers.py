"""Numbers that are typed: every parameter of every command that takes one refuses what it would have to round."""

from __future__ import annotations

import typing

import pytest
from cyclopts import CycloptsError
from cyclopts.exceptions import CoercionError

from core.errors import InputError
from lab.cli.commands import COMMANDS
from lab.cli.entry import _bad_words, build_app, run


def kinds_of(hint: object) -> set[object]:
    return {hint, *(kind for part in typing.get_args(hint) for kind in kinds_of(part))}


@pytest.fixture(scope="module")
def app():
    return build_app()


def parameters(app, number: type) -> list[tuple[str, str, int]]:
    """Command, flag, and how many words the command wants before."""
    found = []
    for name in COMMANDS:
        arguments = app[name].assemble_argument_collection()
        words = sum(bool(argument.required) and not argument.name.startswith("-") for argument in arguments)
        found += [(name, a.names[0], words) for a in arguments if number in kinds_of(a.hint)]
    return found


def said(app, command: str, words: int, flag: str, typed: str) -> InputError:
    argv = [command, *["x"] * words, f"{flag}={typed}" if flag.startswith("--") else flag]
    argv += [] if flag.startswith("--") else [typed]
    with pytest.raises(CycloptsError) as caught:
        app.parse_args(argv, exit_on_error=False, print_error=False)
    assert isinstance(caught.value, CoercionError), (argv, caught.value)
    error = _bad_words(caught.value, argv, app)
    assert isinstance(error, InputError)
    return error


@pytest.mark.parametrize("typed", ["1.5", "2.0", "1e3", "1,000", "0x10", "-0.4", "two", "inf", ""])
def test_a_whole_number_is_one(app, typed):
    found = parameters(app, int)
    assert len(found) > 15 and {"attention", "generate", "windows", "serve"} <= {name for name, *_ in found}
    for name, flag, words in found:
        error = said(app, name, words, flag, typed)
        assert error.title == f"{flag} must be a whole number, got {typed!r}", name
        assert error.hint == f"llm-lab {name} --help lists what it takes"


@pytest.mark.parametrize("typed", ["two", "1,5", "0x10", ""])
def test_a_number_is_one(app, typed):
    for name, flag, words in parameters(app, float):
        assert said(app, name, words, flag, typed).title == f"{flag} must be a number, got {typed!r}"


@pytest.mark.parametrize(("typed", "meant"), [("7", 7), ("1_000", 1000), (" 12 ", 12), ("+3", 3), ("-3", -3)])
def test_what_configurations_read_is_read(app, typed, meant):
    for name, flag, words in parameters(app, int):
        argv = [name, *["x"] * words, *([f"{flag}={typed}"] if flag.startswith("--") else [flag, typed])]
        _, bound, _ = app.parse_args(argv, exit_on_error=False, print_error=False)
        assert meant in bound.kwargs.values(), argv


def test_the_line_ends_as_two_lines(capsys):
    assert run(["attention", "demo", "the cat", "--layer", "1.5"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    expected = ["--layer must be a whole number, got '1.5'", "llm-lab attention --help lists what it takes"]
    assert told.err.splitlines() == expected
