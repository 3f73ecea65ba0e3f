"""Beam search beside what generate does: stop texts, a context that slides. Agreement is in tests/parity."""

from __future__ import annotations

import threading

from tiny_models import letters

from core.generation.beams import Beam, BeamStep, beam_search
from core.generation.engine import generate
from core.generation.settings import SamplingConfig

CONFIG = SamplingConfig(max_new_tokens=12)


def found(config: SamplingConfig, beams: int = 4, prompt: str = "the fox") -> list[BeamStep]:
    return list(beam_search(letters(context=16), prompt, beams, config))


def test_a_beam_ends_before_a_stop_text_even_one_of_several_tokens() -> None:
    whole = found(CONFIG)[-1].best
    assert len(whole.ids) == len(whole.text) == 12 and not whole.done
    stop = whole.text[4:6]
    assert stop not in whole.text[:5]
    seen: set[Beam] = set()
    for step in found(CONFIG.override(stop=(stop,))):
        assert all(stop not in beam.text and not beam.done for beam in step.beams)
        seen |= {beam for beam in step.finished if beam.done}
    kept = next(beam for beam in seen if beam.ids == whole.ids[:6])
    assert kept.text == whole.text[:4] and kept.score == kept.logprob / 6


def test_the_earliest_of_several_stop_texts_counts() -> None:
    whole = found(CONFIG, beams=1)[-1].best
    (*_, last) = found(CONFIG.override(stop=(whole.text[5], whole.text[3])), beams=1)
    at = min(whole.text.index(whole.text[5]), whole.text.index(whole.text[3]))
    assert last.is_last and last.best.done and last.best.text == whole.text[:at] and len(last.best.ids) == at + 1


def test_one_beam_is_greedy_with_stop_texts_too() -> None:
    model = letters(context=16)
    greedy = SamplingConfig(temperature=0, max_new_tokens=30, stop=("\n", "e", "a"))
    steps = list(generate(model, "the fox", greedy))
    (*_, last) = beam_search(model, "the fox", 1, greedy)
    assert last.best.text == "".join(step.text for step in steps)
    assert list(last.best.ids) == [step.token_id for step in steps]


def test_where_the_context_slides_it_is_said() -> None:
    config = CONFIG.override(max_new_tokens=20)
    said = {step.index: step.notice for step in found(config) if step.notice}
    expected = {step.index: step.notice for step in generate(letters(context=16), "the fox", config) if step.notice}
    assert said == expected and len(said) == 2


def test_cancelled_it_ends_within_one_token() -> None:
    cancelled = threading.Event()
    steps = []
    for step in beam_search(letters(), "a", 3, CONFIG, cancelled=cancelled):
        steps.append(step)
        cancelled.set()
    assert len(steps) == 2 and steps[-1].is_last
