import pytest
from rich.text import Text
from textual.app import App

from screens.widgets.bars import Bar, Bars, bar_text, percent
from screens.widgets.virtual_list import VirtualList


class Showing(App):
    def __init__(self, rows, **options):
        super().__init__()
        self.rows, self.options, self.activated = rows, options, []

    def compose(self):
        yield Bars(id="bars")

    def on_mount(self):
        bars = self.query_one(Bars)
        bars.wear(ascii_only=False)
        bars.show(self.rows, **self.options)
        bars.focus()

    def on_virtual_list_activated(self, message: VirtualList.Activated):
        self.activated.append(message.index)


ROWS = [
    Bar("·king", 0.4, 0.25, lead="1", marked=True),
    Bar("·lord", 0.3, 0.2, lead="2"),
    Bar("·gods", 0.0, 0.15, "top-k", lead="3"),
    Bar("the rest", 0.3, 0.4, idle=True),
]


def lines(bars):
    return [bars.render_line(y).text for y in range(len(bars.rows))]


async def test_rows_carry_both_values_the_bar_and_what_cut_them():
    app = Showing(ROWS)
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        first, _, cut, rest = lines(app.query_one(Bars))
        assert first.startswith(" 1 ·king") and "25.0→40.0 %" in first and "◀" in first and "█" in first
        assert "15.0→0 " in cut and cut.rstrip().endswith("top-k") and "░" in cut and "█" not in cut
        assert rest.startswith("   the rest") and "40.0→30.0" in rest


async def test_the_bar_under_the_cursor_is_seen():
    app = Showing(ROWS)
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        bars = app.query_one(Bars)
        row = list(bars.render_line(bars.cursor))
        assert bars.has_focus and [s.style.reverse for s in row if "king" in s.text] == [True]
        assert not any(s.style.reverse for s in row if "█" in s.text)


async def test_enter_activates_a_row_but_not_one_that_only_adds_up():
    app = Showing(ROWS)
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.press("down", "enter", "end", "enter")
        assert app.activated == [1]


@pytest.mark.parametrize("width", [60, 38, 30, 20, 12, 5])
async def test_a_row_is_as_wide_as_the_pane_whatever_stands_in_it(width):
    rows = [
        *ROWS,
        Bar("⟨E2⟩⟨80⟩⟨9C⟩ and more than fits", 1.0, 1.0, "typical", lead="10"),
        Bar("莎士比亚", 0.5, lead="11"),
    ]
    app = Showing(rows)
    async with app.run_test(size=(width, 8)) as pilot:
        await pilot.pause()
        for line in lines(app.query_one(Bars)):
            assert Text(line).cell_len == width


async def test_without_rows_it_says_why_and_ascii_stays_ascii():
    app = Showing([], empty="nothing here yet")
    async with app.run_test(size=(40, 8)) as pilot:
        bars = app.query_one(Bars)
        assert bars.render_line(0).text.strip() == "nothing here yet"
        await pilot.press("enter")
        assert app.activated == [] and bars.bar is None
        bars.wear(ascii_only=True, plain=True)
        bars.show([Bar("king", 0.4, 0.5, "top-k", lead="1", marked=True)])
        assert bars.render_line(0).text.isascii()


def test_bars_are_exact_at_their_ends():
    assert bar_text(1.0, 10) == "█" * 10 and bar_text(0.0, 10) == " " * 10
    assert bar_text(2.0, 3) == "███" and bar_text(-1.0, 3) == "   "
    assert bar_text(0.1, 10, second=0.1) == "█         "
    assert len(percent(0.99999)) == 5 and percent(float("nan")).strip() == "nan"


async def test_a_long_number_in_front_takes_its_room_from_the_bar_not_from_the_value():
    rows = [Bar("x", 0.0079, lead="1023", marked=True), Bar("x", 0.0072, lead="7")]
    app = Showing(rows)
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.pause()
        first, second = lines(app.query_one(Bars))
        assert first.startswith("1023 x") and "0.79 %◀" in first
        assert second.startswith("   7 x") and second.index("0.72 %") == first.index("0.79 %")
