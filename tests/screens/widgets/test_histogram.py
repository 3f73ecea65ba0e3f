"""The histogram and the tree of tensors as widgets: what they draw, say and let one do."""

import pytest
from textual.app import App

from screens.widgets.histogram import LEFT, Histogram, bar_heights, grouped
from screens.widgets.tensor_tree import Column, TensorNode, TensorTree


class Stage(App):
    """One widget, and what it posts."""

    def __init__(self, widget):
        super().__init__()
        self.widget, self.heard = widget, []

    def compose(self):
        yield self.widget

    def on_histogram_highlighted(self, message):
        self.heard.append((message.low, message.high, message.count))

    def on_tensor_tree_tensor_highlighted(self, message):
        self.heard.append(message.key)


@pytest.mark.parametrize("log", [False, True])
def test_heights_rise_with_counts_and_one_is_never_nothing(log):
    counts = [0, 1, 2, 50, 1000, 999_999, 1_000_000]
    heights = bar_heights(counts, 10, log)
    assert heights == sorted(heights) and heights[0] == 0 and heights[1] >= 1 and heights[-1] == 80
    assert bar_heights([0, 0], 10, log) == [0, 0] and bar_heights([], 10, log) == []


def test_bars_that_share_bins_lose_no_count():
    for columns in range(1, 70):
        bars, each = grouped(list(range(64)), columns)
        assert len(bars) <= columns and sum(bars) == sum(range(64)) and each == -(-64 // columns)


async def test_the_crosshair_says_the_ends_and_the_count_of_its_bar():
    app = Stage(Histogram())
    async with app.run_test(size=(LEFT + 8, 8)) as pilot:
        app.widget.fill([0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8])
        app.widget.focus()
        await pilot.press("right", "end", "left", "home")
        assert app.heard == [(4, 5, 5), (7, 8, 8), (6, 7, 7), (0, 1, 1)]
        await pilot.hover(Histogram, offset=(LEFT + 2, 1))
        assert app.heard[-1] == (2, 3, 3)
        assert app.widget.release() and not app.widget.release()
        await pilot.pause()
        assert app.heard[-1] == (None, None, 0)


async def test_more_bins_than_columns_share_bars_and_it_says_so():
    app = Stage(Histogram())
    async with app.run_test(size=(LEFT + 8, 8)) as pilot:
        app.widget.fill(list(range(17)), [10] * 16)
        await pilot.pause()
        assert app.widget.note() == "1 bar = 2 bins"
        app.widget.action_cross(0)
        await pilot.pause()
        assert app.heard[-1][2] == 20
        rows = [app.widget.render_line(y).text for y in range(8)]
        assert rows[0].strip().startswith("20") and rows[0].count("█") == 8 and rows[5].lstrip().startswith("0")


async def test_without_counts_it_says_why():
    app = Stage(Histogram())
    async with app.run_test(size=(40, 8)) as pilot:
        app.widget.clear("not here")
        app.widget.focus()
        await pilot.press("left", "home", "end")
        assert "not here" in "".join(app.widget.render_line(y).text for y in range(8)) and app.heard == []


ATTENTION = TensorNode("a", "attn", (TensorNode("a[q]", "q"), TensorNode("a[k]", "k")))
BLOCK = TensorNode("b0", "h.0", (ATTENTION, TensorNode("m", "mlp")))
NODES = (TensorNode("wte", "wte"), BLOCK, TensorNode("ln", "ln_f"))


async def test_rows_unfold_and_fold_and_the_cursor_keeps_its_row():
    app = Stage(TensorTree())
    async with app.run_test(size=(40, 12)) as pilot:
        app.widget.grow(NODES)
        app.widget.focus()
        assert app.widget.keys == ["wte", "b0", "ln"]
        await pilot.press("down", "right", "right", "right")
        assert app.widget.keys == ["wte", "b0", "a", "a[q]", "a[k]", "m", "ln"] and app.widget.key == "a"
        await pilot.press("down", "left")
        assert app.widget.key == "a"
        await pilot.press("left", "left")
        assert app.widget.key == "b0" and "a[q]" not in app.widget.keys
        await pilot.press("enter")
        assert app.widget.keys == ["wte", "b0", "ln"]
        assert app.heard[-1] == "b0"


async def test_going_to_a_row_unfolds_what_it_is_in_and_other_rows_keep_the_cursor():
    app = Stage(TensorTree())
    async with app.run_test(size=(40, 12)) as pilot:
        app.widget.grow(NODES)
        assert app.widget.go_to("a[k]") and app.widget.key == "a[k]"
        assert not app.widget.go_to("none such")
        app.widget.grow(NODES[1:], all_open=True)
        await pilot.pause()
        assert app.widget.key == "a[k]" and app.widget.keys[0] == "b0"
        app.widget.grow(())
        assert app.widget.key == "" and app.widget.keys == []
        await pilot.press("left", "right", "enter", "down")


async def test_columns_are_asked_for_when_a_row_is_painted():
    app = Stage(TensorTree())
    asked = []
    async with app.run_test(size=(40, 5)) as pilot:
        nodes = [TensorNode(f"n{i}", f"tensor {i}") for i in range(500)]
        app.widget.grow(nodes)
        app.widget.set_columns([Column("std", "std", 8)], lambda key, column: asked.append(key) or f"{column} {key}")
        await pilot.pause()
        assert app.widget.render_line(2).text.endswith("std n2") or "std n2" in app.widget.render_line(2).text
        assert set(asked) <= {f"n{i}" for i in range(6)}
