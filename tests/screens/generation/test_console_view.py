"""Words and values of the console, from steps made by hand."""

import math

from console_pilots import step

from core.generation.settings import PRESETS, SamplingConfig
from screens.generation.comparing import place_of_byte
from screens.generation.dials import DIALS, dial_of, effect_text, turned, value_text
from screens.generation.prompt import MOST_KEPT, remembered
from screens.generation.view import Line, bars_of, joint_bars, legend, value_of, values_of
from screens.widgets.ramps import Look


def test_every_measure_is_on_the_scale_and_the_prompt_is_off_it():
    line = Line((1, 2), (b"a", b"b"), (step(0, b"x", 0.25, rank=1, entropy=5.0), step(1, b"y", 0.01, rank=512)))
    for measure, expected in (("probability", [0.25, 0.01]), ("rank", [1.0, 0.0]), ("entropy", [5 / 9, 2 / 9])):
        values = values_of(line, measure, 512)
        assert all(math.isnan(v) for v in values[:2])
        assert all(math.isclose(v, e, abs_tol=1e-9) for v, e in zip(values[2:], expected, strict=True))
    assert values_of(line, "none", 512) is None
    assert value_of(step(0, b"x", rank=10**6), "rank", 512) <= 0  # drawn as the low end


def test_a_token_that_is_not_among_the_likeliest_has_a_row_of_its_own():
    likely = step(0, b"x", 0.5)
    taken = step(7, b"rare", 0.001, rank=4821)
    rows = bars_of(likely, 7, taken)
    assert [row.label for row in rows] == ["x", "·other", "rare", "the rest"]
    assert rows[2].marked and rows[2].lead == "··"
    assert math.isclose(sum(row.second for row in rows), 1) and rows[1].note == "top-k"


def test_two_distributions_share_their_rows():
    rows = joint_bars(step(1, b"a", 0.6), step(2, b"b", 0.3), 1)
    assert [(row.label, row.second, row.value) for row in rows] == [("a", 0.6, 0.0), ("b", 0.0, 0.3)]
    assert rows[0].marked


def test_what_each_dial_does_is_said_of_this_very_distribution():
    sampling = SamplingConfig(temperature=0.8, top_k=20)
    choice = step(0, b"x", 0.5, drawn=0.6)
    said = {dial.field: effect_text(sampling, dial, choice, 1000) for dial in DIALS}
    assert said["temperature"] == "likeliest 50.0 → 50.0 %"
    assert said["top_k"] == "keeps 20 of 1,000, 83.3 % of the mass"
    assert said["top_p"].startswith("off") and said["preset"]
    assert effect_text(sampling, dial_of("top_k"), None, 1000) == dial_of("top_k").meaning


def test_dials_stop_at_their_ends_whatever_they_were_set_to():
    for dial in DIALS:
        if dial.field in ("precision", "stop"):
            continue
        for by in (-1, 1):
            config = SamplingConfig(top_k=7, top_p=0.42, temperature=9.0, presence_penalty=-7.0)
            for _ in range(15):
                config = turned(config, dial, by)
                assert value_text(config, dial)
    assert turned(PRESETS["wild"][1], dial_of("preset"), 1) == PRESETS["wild"][1]


def test_other_tokens_are_aligned_by_the_bytes_before_them():
    line = Line((1,), (b"p",), (step(0, b"The"), step(1, b" c"), step(2, b"at")))
    assert [place_of_byte(line, byte) for byte in (0, 2, 3, 4, 5, 99)] == [0, 0, 1, 1, 2, 2]


def test_history_keeps_each_prompt_once_and_not_for_ever():
    history = []
    for i in range(80):
        history = remembered(history, f"p{i % 60}")
    assert len(history) == MOST_KEPT and history[-1] == "p19" and len(set(history)) == MOST_KEPT


def test_legends_have_their_ends_in_words_with_colour_and_without():
    for look in (Look(), Look(colours="none"), Look(ascii=True, colours="none")):
        text = legend("entropy", look).plain
        assert text.startswith("m entropy sure ") and text.endswith(" unsure")
    assert legend("none", Look()).plain == "m no colour "
