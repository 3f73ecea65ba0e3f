"""The ``--beams`` of ``llm-lab generate``: the likeliest texts that a beam search finds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from core.errors import InputError
from lab.cli.report import print_json
from lab.cli.writing import note, write, write_clean

if TYPE_CHECKING:
    from core.generation.prompts import Special
    from core.generation.session import Session
    from core.generation.settings import SamplingConfig


def search(
    session: Session,
    text: str,
    sampling: SamplingConfig,
    beams: int,
    n: int,
    special: Special,
    cancelled: threading.Event,
    as_json: bool,
) -> None:
    """Prints the n best texts, or with ``--json`` the beam after each token."""
    from core.generation.beams import beam_search

    if n > beams > 0:
        raise InputError(f"-n {n} asks for more texts than the {beams} beams", f"take --beams {n} or more")
    last = None
    for step in beam_search(
        session.loaded, text, beams, sampling, cancelled=cancelled, session=session, allowed_special=special
    ):
        last = step
        if as_json:
            print_json(step.to_dict())
        elif step.notice:
            note(step.notice)
    if last is None or as_json:
        return
    for place, beam in enumerate((last.finished or last.beams)[:n], 1):
        if n > 1:
            write(f"--- {place} of {n}, log probability {beam.logprob:.3f}, score {beam.score:.4f}\n")
        write_clean(beam.text if beam.text.endswith("\n") else beam.text + "\n")
