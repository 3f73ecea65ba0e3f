"""What leaves the attention screen: every snippet is run, every command too, and they say what the panes show."""

import ast
import contextlib
import io
import json
import shlex
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from alike import alike
from attention_pilots import REPEATED, attention, demo_steps, sentence, traced, until

from screens.widgets.take_away import TakeAway, csv_text, forms_of, json_text

SIZE = (120, 36)


def run_python(text):
    """What a snippet prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "snippet", "exec"), {"__name__": "snippet"})
    return out.getvalue().strip()


def run_line(text):
    """What a line of the command line prints."""
    from lab.__main__ import main

    words = shlex.split(text)
    assert words[0] == "llm-lab"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(words[1:])
    assert not code, out.getvalue()
    return out.getvalue()


def run_command(text):
    """The last line that a command prints, as JSON."""
    return json.loads(run_line(text).splitlines()[-1])


@pytest.mark.parametrize("how", ["", "mean", "rollout"])
@pytest.mark.parametrize("off", [(), ((1, 2), (0, 3))], ids=["all on", "two off"])
async def test_the_map(how, off, monkeypatch):
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.set_off(frozenset(off))
        await traced(pilot)
        screen.set_together(how)
        await until(pilot, lambda: screen.matrix() is not None)
        await traced(pilot)
        at, drawn = screen.place, screen.body.pattern.drawn
        request = screen.take_away()
        assert alike(float(run_python(request.python)), float(drawn[at.row, at.column]))
        said = run_command(request.command)
        opened = []
        monkeypatch.setattr("lab.cli.open.start", lambda opening: opened.append(opening) or 0)
        run_line(request.link)
        assert (opened[0].screen, opened[0].model, opened[0].text) == ("attention", screen.seen.spec, REPEATED)
        data = json.loads(json_text(request.data))
        assert said["ids"] == data["ids"] == list(screen.seen.ids) and said["tokens"] == data["tokens"]
        for mine, theirs in zip(data["rows"], said["rows"], strict=True):
            assert alike(mine, theirs)
        header, rows = request.table
        lines = csv_text(header, rows).splitlines()
        assert len(lines) == len(screen.seen.ids) + 1
        for i, row in enumerate(rows):
            weights = [w for w in row[2:] if w != ""]
            assert len(weights) == i + 1 and weights == drawn[i, : i + 1].tolist(), "full precision, no upper half"
            assert sum(weights) == pytest.approx(1, abs=1e-5)


async def test_the_difference_of_two_models():
    early = demo_steps()[1]
    app = attention(b=early)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("c")
        await until(pilot, lambda: screen.body.pattern._signed)
        at, request = screen.place, screen.take_away()
        shown = float(screen.body.pattern.drawn[at.row, at.column])
        assert alike(float(run_python(request.python)), shown)
        assert request.data["minus"] == early and not request.command


@pytest.mark.parametrize("measure", ["entropy", "induction", "norm"])
async def test_all_heads(measure):
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.set_measure(measure)
        screen.go_to_pane("grid")
        head = (screen.place.layer, screen.place.head)
        request = screen.take_away()
        assert alike(float(run_python(request.python)), float(screen.grid_values()[head]))
        said = run_command(request.command)
        assert np.allclose(said["entropy"], request.data["entropy"], atol=1e-6)
        assert len(request.table[1]) == 16 and request.table[0][:2] == ("layer", "head")
        assert (
            f"{float(screen.grid_values()[head]):.3f}" == request.text().splitlines()[2 + head[0]].split()[1 + head[1]]
        )


async def test_all_heads_on_random_tokens_and_each_head_off_once():
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.go_to_pane("grid")
        await pilot.press("x")
        await until(pilot, lambda: screen.measures is not None and screen.measures.on == "random")
        request = screen.take_away()
        head = (screen.place.layer, screen.place.head)
        assert alike(float(run_python(request.python)), float(screen.grid_values()[head]))
        assert run_command(request.command)["on"] == "random"
        await pilot.press("d")
        await until(pilot, lambda: screen.grid_values() is not None and not np.isnan(screen.grid_values()).any())
        request = screen.take_away()
        lines = [line.split() for line in run_python(request.python).splitlines()]
        values = screen.grid_values()
        assert len(lines) == 16
        for layer, head, change in lines:
            assert float(change) == pytest.approx(float(values[int(layer), int(head)]), abs=1e-6)
        assert run_command(request.command)


async def test_what_comes_next_with_a_head_off():
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("a")
        await traced(pilot)
        screen.go_to_pane("next")
        request = screen.take_away()
        first, *rest = run_python(request.python).splitlines()
        assert alike(float(first.split()[0]), screen.next.kl_bits)
        assert [int(line.split()[0]) for line in rest] == [row[0] for row in screen.next.rows]
        said = run_command(request.command)
        assert alike(said["kl_bits"], screen.next.kl_bits)


async def test_the_command_of_the_lens_switches_the_same_heads_off():
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.set_off(frozenset({(0, 3), (1, 2)}))
        await traced(pilot)
        screen.show_view("lens")
        lens = screen.body.centre
        await until(pilot, lambda: lens.read is not None and screen.seen.off)
        request = screen.take_away()
        theirs = run_command(request.command)["rows"][-1]["entropy_bits"]
        assert theirs == pytest.approx(lens.read.rows[-1].entropy, abs=1e-4)
        with_all = run_command(request.command.replace("--off 0.3,1.2", ""))["rows"][-1]["entropy_bits"]
        assert abs(with_all - theirs) > 1e-3, "with all heads on it is another answer"


async def test_the_lens(tmp_path):
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.show_view("lens")
        lens = screen.body.centre
        await until(pilot, lambda: lens.read is not None)
        request = screen.take_away()
        printed = [line.split(" ", 2) for line in run_python(request.python).splitlines()]
        assert len(printed) == len(lens.read.rows) == 5
        for (layer, entropy, top), row in zip(printed, lens.read.rows, strict=True):
            assert int(layer) == row.layer and float(entropy) == pytest.approx(row.entropy, abs=1e-3)
            assert [p for _, p in ast.literal_eval(top)] == pytest.approx([t.probability for t in row.top], abs=1e-5)
        request.figure(tmp_path / "lens.svg")
        assert request.vector and ET.parse(tmp_path / "lens.svg")
        text = request.text().splitlines()
        assert [line.split("  ")[0] for line in text[2:]] == ["embedding", *(f"layer {i}" for i in range(4))]
        best = lens.read.rows[-1].top[0]
        assert f"{lens.read.word(best.token)} {best.probability:.1%}" in text[-1]
        said = run_command(request.command)
        rows = said["rows"] if isinstance(said, dict) and "rows" in said else said
        assert rows and request.data["rows"][-1]["top"][0]["token"] == lens.read.rows[-1].top[0].token
        assert len(request.table[1]) == 50


async def test_layers_that_cannot_be_read_are_said_and_asked_again(monkeypatch):
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.show_view("lens")
        lens = screen.body.centre
        await until(pilot, lambda: lens.read is not None)

        def too_much(*_):
            raise MemoryError

        monkeypatch.setattr("core.model.lens.lens", too_much)
        await pilot.press("comma")
        await until(pilot, lambda: lens.read is None)
        assert screen.take_away() is None or screen.take_away().what.startswith("head")
        await until(pilot, lambda: "MemoryError" in sentence(screen))
        monkeypatch.undo()
        await pilot.press("full_stop")
        await until(pilot, lambda: lens.read is not None and lens.read.position == screen.place.row)


async def test_figures_text_and_the_dialog(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        request = screen.take_away()
        request.figure(tmp_path / "map.png")
        request.figure(tmp_path / "map.svg")
        assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
        ET.parse(tmp_path / "map.svg")
        text = request.text()
        assert all(len(line) <= 110 for line in text.splitlines()) and f"L{screen.place.layer}" in text
        names = [form.name for form in forms_of(request, "<svg/>")]
        assert names == ["Python", "Command", "JSON", "CSV", "SVG", "PNG", "SVG for print", "Text", "Link"]
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, TakeAway))
        await pilot.press("tab", "tab", "tab", "s")
        await until(pilot, lambda: list((tmp_path / "llm-lab-exports").glob("attention-*.csv")))


async def test_a_text_that_is_cut_is_cut_in_the_snippet_too():
    app = attention("The for statement is used to iterate over the elements. " * 40)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        at, request = screen.place, screen.take_away()
        shown = float(screen.body.pattern.drawn[at.row, at.column])
        assert "[-256:]" in request.python
        assert float(run_python(request.python)) == pytest.approx(shown, abs=1e-6)
