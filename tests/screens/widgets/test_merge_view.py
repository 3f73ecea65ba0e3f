"""Merges step by step, a dial, rows of facts: what they show and say."""

from textual.app import App

from screens.widgets.dial import Dial
from screens.widgets.merge_view import MergeLine, MergeView, TreeNode, tree_rows
from screens.widgets.rows import Rows

STEPS = [
    MergeLine((b"a", b"b", b"\xc3", b"\xa9")),
    MergeLine((b"a", b"b", b"\xc3\xa9"), b"\xc3\xa9", 300, 1),
    MergeLine((b"ab", b"\xc3\xa9"), b"ab", 301, 2),
]


class Parts(App):
    def __init__(self):
        super().__init__()
        self.said = []

    def compose(self):
        yield MergeView()
        yield Dial("length", [1, 2, 4, 8], 2)
        yield Rows()

    def on_merge_view_stepped(self, event):
        self.said.append(("step", event.step))

    def on_dial_turned(self, event):
        self.said.append(("dial", event.value))

    def lines(self, kind):
        widget = self.query_one(kind)
        return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def test_steps_are_shown_stepped_and_played_to_their_end():
    app = Parts()
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.query_one(MergeView)
        view.show(STEPS)
        await pilot.pause()
        assert view.step == 2 and app.said == []
        lines = app.lines(MergeView)
        assert "a│b│⟨C3⟩⟨A9⟩" in lines[0].replace("⟨C3⟩│⟨A9⟩", "⟨C3⟩⟨A9⟩") and "4 pieces" in lines[0]
        assert "ab│é" in lines[2] and "2▸" in lines[2] and "id 301  merge 2" in lines[2]
        view.step_by(-9)
        await pilot.pause()
        assert view.step == 0 and app.said == [("step", 0)]
        view.action_play()
        assert view.playing
        for _ in range(3):
            view._play_on()
        assert view.step == 2 and not view.playing
        view.show([], empty="nothing\nis merged")
        assert app.lines(MergeView)[:2] == ["nothing", "is merged"]
        view.step_by(1)
        view.action_play()
        assert not view.playing


async def test_a_word_wider_than_the_view_is_shown_around_its_new_piece():
    app = Parts()
    async with app.run_test(size=(40, 20)) as pilot:
        letters = [bytes([97 + i % 26]) for i in range(80)]
        merged = (*letters[:70], letters[70] + letters[71], *letters[72:])
        app.query_one(MergeView).show([MergeLine(tuple(letters)), MergeLine(merged, b"st", 400, 9)])
        await pilot.pause()
        line = app.lines(MergeView)[1]
        assert "st" in line and "…" in line and len(line) <= 40


async def test_a_dial_turns_by_keys_and_click_and_returns_from_between():
    app = Parts()
    async with app.run_test(size=(60, 20)) as pilot:
        dial = app.query_one(Dial)
        dial.focus()
        await pilot.press("right", "right", "right", "left")
        assert app.said == [("dial", 4), ("dial", 8), ("dial", 4)]
        dial.put(3)
        await pilot.press("right")
        assert dial.value == 4
        dial.put(3)
        await pilot.press("left")
        assert dial.value == 2
        await pilot.click(Dial, offset=(57, 0))
        assert dial.value == 8


async def test_rows_scroll_only_where_they_must():
    app = Parts()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = app.query_one(Rows)
        rows.show(["one", "two"])
        await pilot.pause()
        assert app.lines(Rows)[:3] == ["one", "two", ""] and rows.max_scroll_y == 0
        rows.show([str(i) for i in range(50)])
        await pilot.pause()
        assert rows.max_scroll_y > 0
        rows.focus()
        await pilot.press("end")
        await pilot.pause()
        assert app.lines(Rows)[-1] == "49"


def test_a_tree_of_any_size_is_cut_off():
    node = TreeNode(0, b"a")
    for i in range(200):
        node = TreeNode(i + 1, node.piece + b"a", node, TreeNode(0, b"a"))
    assert len(tree_rows(node, most=60)) == 60
