"""The ``--beams`` of ``llm-lab generate``: the likeliest texts that a beam search finds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.generation.cuts import cuts_of
from core.generation.settings import SamplingConfig
from lab.cli.flags import flag
from lab.cli.report import print_json
from lab.cli.writing import note, slid_often, write, write_clean

if TYPE_CHECKING:
    from core.generation.prompts import Special
    from core.generation.session import Session

_OF_DRAWS = ("temperature", *cuts_of(SamplingConfig), "seed")


def only_for_search(fields: Mapping[str, Any], preset: str | None, save: str | None) -> None:
    """Refuses what a line asks for beside ``--beams`` and would not get.

    Raises:
        InputError: names all of it.
    """
    idle = [flag(name) for name in _OF_DRAWS if name in fields] + ["--preset"] * (preset is not None)
    if idle:
        raise InputError(f"--beams draws nothing, got {', '.join(idle)} beside it", "leave out one or the other")
    told = ["--top"] * ("top_alternatives" in fields) + ["--save"] * (save is not None)
    if told:
        raise InputError(f"{' and '.join(told)} tell of drawn tokens, --beams draws none", "take --json, a line a step")


def search(
    session: Session,
    text: str,
    sampling: SamplingConfig,
    beams: int,
    n: int,
    special: Special,
    cancelled: threading.Event,
    as_json: bool,
    before: str = "",
) -> None:
    """Prints the n best texts, each behind ``before``, or with ``--json`` the beam after each token."""
    from core.generation.beams import beam_search

    if n < 1:
        raise InputError(f"n must be at least 1, got {n}", "ask for one text or more")
    if n > beams > 0:
        raise InputError(f"-n {n} asks for more texts than the {beams} beams", f"take --beams {n} or more")
    last, slid = None, 0
    for step in beam_search(
        session.loaded, text, beams, sampling, cancelled=cancelled, session=session, allowed_special=special
    ):
        last = step
        if as_json:
            print_json(step.to_dict())
        elif step.notice and step.index == 0:
            note(step.notice)
        slid += bool(step.notice and step.index)
    if last is None or as_json:
        return
    for place, beam in enumerate((last.finished or last.beams)[:n], 1):
        if n > 1:
            write(f"--- {place} of {n}, log probability {beam.logprob:.3f}, score {beam.score:.4f}\n")
        shown = before + beam.text
        write_clean(shown if shown.endswith("\n") else shown + "\n")
    if slid:
        note(slid_often(slid))
