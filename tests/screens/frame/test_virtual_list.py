"""A list of any length: rows are made when painted, the cursor keeps inside, clicks point and open."""

from textual.app import App

from screens.widgets.virtual_list import VirtualList


class Rows(App[None]):
    """A list, what it asked for, and what it said."""

    def __init__(self, length):
        super().__init__()
        self.length = length
        self.asked = []
        self.said = []

    def row(self, index):
        self.asked.append(index)
        return f"row {index}"

    def compose(self):
        yield VirtualList(self.length, self.row)

    def on_mount(self):
        self.query_one(VirtualList).focus()

    def on_virtual_list_highlighted(self, event):
        self.said.append(("at", event.index))

    def on_virtual_list_activated(self, event):
        self.said.append(("open", event.index))


async def test_only_painted_rows_are_made():
    app = Rows(338_025)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        rows = app.query_one(VirtualList)
        assert rows.cursor == 338_024
        assert rows.scroll_offset.y == 338_015
        assert len(set(app.asked)) <= 20
        await pilot.press("down", "pageup", "enter")
        assert app.said[-1] == ("open", 338_024 - 9)
        await pilot.press("home", "up")
        assert rows.cursor == 0


async def test_a_click_points_and_a_double_click_opens():
    app = Rows(100)
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.click(VirtualList, offset=(3, 4))
        assert app.said == [("at", 4)]
        await pilot.click(VirtualList, offset=(3, 4), times=2)
        assert ("open", 4) in app.said


async def test_fewer_rows_keep_the_cursor_on_one_and_none_is_fine():
    app = Rows(100)
    async with app.run_test(size=(40, 10)) as pilot:
        rows = app.query_one(VirtualList)
        await pilot.press("end")
        rows.fill(3, app.row)
        assert rows.cursor == 2
        rows.fill(0, app.row)
        await pilot.press("down", "enter", "end")
        assert rows.cursor == 0
        assert not [said for said in app.said if said[0] == "open"]
