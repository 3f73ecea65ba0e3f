"""Names in lists: the step stays to be seen, and wide characters shift no column."""

import pytest
from rich.cells import cell_len

from core.shelf import ModelRef
from lab.cli.runs import table
from screens.widgets.cells import fit, fit_label
from screens.widgets.picker import NARROW, _Row, columns_for, row_text

NAMES = ("shakespeare-1min", "a-name-that-never-ends-and-then-goes-on", "莎士比亚全集的模型一号", "é" * 30)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [0, 1])
def test_the_picker_shows_the_step_of_a_run_whatever_its_name(name, depth):
    run = ModelRef(name, f"{name}@1500", "runs", parameters=809_856, shape="4L 4H 128", tokenizer="char", steps=(800,))
    ref = run.at(800) if depth else run
    line = row_text(_Row("runs", ref, depth), "runs", True, False).plain
    assert ("@800" if depth else "@1500") in line
    if depth == 0:
        assert cell_len(line[: line.index("0.8M")]) == cell_len("runs      ◆ ") + 19 + 1


def picked(ref: ModelRef, width: int, longest: int = 8) -> str:
    return row_text(_Row("runs", ref, 0), "runs", True, False, columns=columns_for(width, longest)).plain


def test_the_picker_cuts_a_tokenizer_with_a_sign_and_has_room_for_it_where_the_terminal_is_wide():
    ref = ModelRef("a", "a@1", "runs", parameters=809_856, shape="4L 4H 128", tokenizer="bpe:docs-1000", note="paused")
    narrow, wide = picked(ref, NARROW), picked(ref, NARROW + 12)
    assert "bpe:doc… paused" in narrow and cell_len(narrow) <= NARROW
    assert "bpe:docs-1000" in wide and wide.index("paused") == narrow.index("paused") + 12


@pytest.mark.parametrize("tokenizer", ["gpt2", "words-v2", "cl100k_base", "bpe:docs-1000"])
@pytest.mark.parametrize("name", NAMES)
def test_the_picker_shows_a_tokenizer_and_a_step_at_every_width(name, tokenizer):
    ref = ModelRef(name, f"{name}@1500", "runs", parameters=809_856, shape="4L 4H 128", tokenizer=tokenizer)
    for width in range(56, NARROW + 40):
        line = picked(ref, width, len(tokenizer))
        assert tokenizer in line and "@1500" in line
        assert cell_len(line[: line.index(tokenizer) + len(tokenizer)]) <= width


@pytest.mark.parametrize("room", range(1, 30))
@pytest.mark.parametrize("name", NAMES)
def test_a_text_takes_the_cells_that_it_is_given(name, room):
    assert cell_len(fit(name, room)) == room
    assert cell_len(fit_label(f"{name}@500", room)) == room


def test_wide_names_shift_no_column_of_the_table_of_runs():
    lines = table(("run", "n"), [(name, "END") for name in NAMES])
    assert len({cell_len(line[: line.index("END")]) for line in lines[1:]}) == 1
