from textual.app import App

from screens.widgets.branch_tree import BranchNode, BranchTree, rows_of

NODES = [
    BranchNode("p", None, "prompt"),
    BranchNode("a", "p", "A ·We ·are", "58"),
    BranchNode("a1", "a", "A1 ·lord", "40"),
    BranchNode("a2", "a", "A2 ·queen", "40"),
    BranchNode("a2a", "a2", "A2a ·and", "12"),
    BranchNode("b", "p", "B ·Then", "9"),
]


class Showing(App):
    def __init__(self):
        super().__init__()
        self.told = []

    def compose(self):
        yield BranchTree(id="tree")

    def on_mount(self):
        tree = self.query_one(BranchTree)
        tree.show(NODES, "a", marks={"a2": "B"}, empty="no branches yet")
        tree.focus()

    def on_branch_tree_selected(self, message):
        self.told.append(("selected", message.branch_id))

    def on_branch_tree_opened(self, message):
        self.told.append(("opened", message.branch_id))

    def on_branch_tree_marked(self, message):
        self.told.append(("marked", message.branch_id))


def text(tree):
    return [tree.render_line(y).text.rstrip() for y in range(tree.length)]


async def test_the_cursor_walks_the_tree_and_says_where_it_is():
    app = Showing()
    async with app.run_test(size=(40, 12)) as pilot:
        tree = app.query_one(BranchTree)
        assert app.told == [] and tree.branch_id == "a"
        assert text(tree)[3] == "│ └ ▾ B A2 ·queen".ljust(37) + " 40"
        await pilot.press("down", "down", "enter", "space", "end")
        assert app.told == [
            ("selected", "a1"),
            ("selected", "a2"),
            ("opened", "a2"),
            ("marked", "a2"),
            ("selected", "b"),
        ]


async def test_left_folds_and_then_leads_up_right_unfolds_and_then_leads_down():
    app = Showing()
    async with app.run_test(size=(40, 12)) as pilot:
        tree = app.query_one(BranchTree)
        await pilot.press("left")
        assert len(text(tree)) == 3 and text(tree)[1].startswith("├ ▸ A") and text(tree)[1].endswith("58 +2")
        await pilot.press("left")
        assert tree.branch_id == "p"
        await pilot.press("right", "right", "right")
        assert tree.branch_id == "a1" and len(text(tree)) == 6


async def test_a_fold_that_hides_the_shown_branch_opens():
    app = Showing()
    async with app.run_test(size=(40, 12)) as pilot:
        tree = app.query_one(BranchTree)
        await pilot.press("left")
        tree.show(NODES, "a2a", marks={})
        assert tree.branch_id == "a2a" and tree.folded == frozenset()
        tree.show([], None, marks={}, empty="no branches yet")
        assert tree.branch_id is None and text(tree) == ["no branches yet"]
        await pilot.press("enter", "space", "left", "right", "down")


async def test_a_click_goes_to_a_branch_and_a_click_on_the_sign_folds():
    app = Showing()
    async with app.run_test(size=(40, 12)) as pilot:
        tree = app.query_one(BranchTree)
        await pilot.click(BranchTree, offset=(12, 5))
        assert app.told == [("selected", "b")]
        await pilot.click(BranchTree, offset=(2, 1))
        assert tree.folded == {"a"} and tree.branch_id == "a"


def test_a_long_chain_stays_in_its_column_and_orphans_are_roots():
    chain = [BranchNode("0", None, "0"), *(BranchNode(str(i), str(i - 1), str(i)) for i in range(1, 2000))]
    rows = rows_of(chain)
    assert len(rows) == 2000 and max(len(row.lead) for row in rows) <= 4
    assert [row.node.id for row in rows_of([BranchNode("x", "gone", "x")])] == ["x"]


async def test_a_prompt_is_cut_at_its_beginning_with_a_sign_and_an_answer_at_its_end():
    app = Showing()
    nodes = [
        BranchNode("p", None, "a prompt that has more words than a row", by_its_end=True),
        BranchNode("a", "p", "an answer of many words", "58"),
    ]
    async with app.run_test(size=(20, 12)):
        tree = app.query_one(BranchTree)
        tree.show(nodes, "a", marks={})
        assert text(tree) == ["▾ … words than a row", "└ · an answer of… 58"]
