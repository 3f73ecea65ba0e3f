"""The tree of continuations: branching, taking back, cutting, walking, and as a file."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.generation.branches import Tree, tree_of
from core.generation.settings import SamplingConfig
from core.generation.steps import Alternative, Step
from core.generation.transcript import open_transcript, save_transcript, settings_line


def step(index: int, text: str, p: float = 0.5) -> Step:
    raw = text.encode()
    other = Alternative(7, b"other", "other", 0.25, 0.0, "top_k", (("top_k", 0.0),))
    mine = Alternative(1, raw, text, p, 0.8, None, (("top_k", 0.8),))
    return Step(index, 0, 1, raw, text, math.log(0.8), math.log(p), 2.0, 1, (mine, other), {"top_k": 1}, mine.path, 0.1)


@pytest.fixture
def tree() -> Tree:
    """A prompt with one continuation of five tokens."""
    made = Tree()
    root = made.add_root("Once", [10, 11])
    a = made.add(root.id, "demo", SamplingConfig())
    for i, text in enumerate(["a", "b", "c", "d", "e"]):
        made.extend(a.id, step(i, text))
    return made


def names(tree: Tree) -> list[str]:
    return ["  " * depth + branch.name for depth, branch in tree.walk()]


def test_a_branch_keeps_what_stands_before_and_takes_the_alternative(tree: Tree) -> None:
    other = tree.path(1)[2].alternatives[1]
    branch = tree.branch(1, 2, other)
    assert tree.text(branch.id) == "abother" and tree.text(1) == "abcde"
    assert tree.ids(branch.id) == [10, 11, 1, 1, 7]
    taken = branch.steps[0]
    assert (taken.index, taken.rank, taken.logprob, taken.raw_logprob) == (2, 2, -math.inf, math.log(0.25))
    assert names(tree) == ["·", "  A", "    A1"]


def test_a_branch_before_where_its_road_left_hangs_on_the_ancestor(tree: Tree) -> None:
    first = tree.branch(1, 3)
    tree.extend(first.id, step(3, "x"))
    second = tree.branch(first.id, 1)
    assert second.parent == 1 and second.at == 1 and tree.text(second.id) == "a"
    third = tree.branch(first.id, 4)
    assert third.parent == first.id and tree.text(third.id) == "abcx"
    at_the_fork = tree.branch(first.id, 3)
    assert tree.text(at_the_fork.id) == "abc" and at_the_fork.parent == first.id
    assert names(tree) == ["·", "  A", "    A1", "      A1a", "      A1b", "    A2"]


@pytest.mark.parametrize("at", [-1, 6, 99])
def test_a_place_that_is_not_there_is_refused(tree: Tree, at: int) -> None:
    with pytest.raises(InputError, match=f"5 tokens, a branch at #{at}"):
        tree.branch(1, at)
    with pytest.raises(InputError, match="5 tokens"):
        tree.branch(1, 5, tree.path(1)[0].alternatives[1])


def test_taking_back_removes_what_hung_behind(tree: Tree) -> None:
    late, early = tree.branch(1, 5), tree.branch(1, 2)
    gone = tree.take_back(1)
    assert gone is not None and gone.text == "e"
    assert late.id not in tree and early.id in tree and tree.text(1) == "abcd"
    assert tree.take_back(early.id) is None, "its tokens are its parent's"


def test_what_is_cut_comes_back_with_all_that_hung_on_it(tree: Tree) -> None:
    branch = tree.branch(1, 2)
    leaf = tree.branch(branch.id, 1)
    before = names(tree)
    tree.cut(1)
    assert names(tree) == ["·"] and leaf.id not in tree
    back = tree.undo()
    assert back is not None and back.id == 1 and names(tree) == before
    assert tree.undo() is None


def test_what_has_no_place_any_more_stays_cut(tree: Tree) -> None:
    branch = tree.branch(1, 5)
    tree.cut(branch.id)
    tree.take_back(1)
    assert tree.undo() is None and len(tree) == 2


def test_a_new_name_is_not_that_of_something_cut(tree: Tree) -> None:
    first = tree.branch(1, 2)
    tree.cut(first.id)
    assert tree.branch(1, 2).name == "A2"
    tree.undo()
    assert sorted(names(tree)) == sorted(["·", "  A", "    A1", "    A2"])


def test_perplexity_is_of_the_whole_road(tree: Tree) -> None:
    assert tree.perplexity(1) == pytest.approx(2)
    assert math.isnan(tree.perplexity(0))


def test_the_first_difference_of_two_roads(tree: Tree) -> None:
    same = tree.branch(1, 3)
    other = tree.branch(1, 2, tree.path(1)[2].alternatives[1])
    assert tree.first_difference(1, 1) is None
    assert tree.first_difference(1, same.id) == 3
    assert tree.first_difference(1, other.id) == 2


def test_the_tree_of_one_call_has_a_branch_for_each_seed() -> None:
    steps = [Step(0, s, 1, b"x", "x", -1.0, -1.0, 1.0, 1) for s in (0, 1, 2)]
    made = tree_of("p", [3], "demo", SamplingConfig(seed=5), steps)
    assert [b.sampling.seed for b in made.children(0)] == [5, 6, 7] and names(made) == ["·", "  A", "  B", "  C"]


@given(st.lists(st.tuples(st.sampled_from(["branch", "extend", "cut", "undo", "back", "root"]), st.integers(0, 50))))
def test_whatever_is_done_to_it_a_tree_holds_together(actions: list[tuple[str, int]]) -> None:
    tree = Tree()
    tree.add(tree.add_root("p", [1]).id, "m", SamplingConfig())
    for what, n in actions:
        roads = [b for _, b in tree.walk() if not b.is_root]
        if what == "root" or not roads:
            tree.add(tree.add_root("q", [2]).id, "m", SamplingConfig())
            continue
        chosen = roads[n % len(roads)].id
        if what == "branch":
            tree.branch(chosen, n % (len(tree.path(chosen)) + 1))
        elif what == "extend":
            tree.extend(chosen, step(len(tree.path(chosen)), "abc"[n % 3]))
        elif what == "cut":
            tree.cut(chosen)
        elif what == "undo":
            tree.undo()
        else:
            tree.take_back(chosen)
        walked = [b for _, b in tree.walk()]
        assert len(walked) == len(tree) and len({b.id for b in walked}) == len(walked)
        assert len({b.name for b in walked if not b.is_root}) == len([b for b in walked if not b.is_root])
        for branch in walked:
            assert branch.parent is None or branch.at <= len(tree.path(branch.parent))
    again = Tree.from_dict(json.loads(json.dumps(tree.to_dict())))
    assert again.to_dict() == tree.to_dict()


@pytest.mark.parametrize("ending", ["md", "json"])
@pytest.mark.parametrize("prompt", ["Once", "", "a ``` fence\n````\n\n## Data\n\n```json\n{}\n```\n", "é漢😀 | x\x00"])
def test_a_transcript_opens_again(tree: Tree, tmp_path: Path, ending: str, prompt: str) -> None:
    tree.branch(1, 2, tree.path(1)[2].alternatives[1])
    root = tree.add_root(prompt, [4])
    tree.extend(tree.add(root.id, "gpt2", SamplingConfig(stop=("`",), top_k=4)).id, step(0, prompt or "x"))
    path = save_transcript(tree, tmp_path / f"t.{ending}")
    assert open_transcript(path).to_dict() == tree.to_dict()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_markdown_says_what_a_person_wants_to_know(tree: Tree, tmp_path: Path) -> None:
    tree.branch(1, 2, tree.path(1)[2].alternatives[1])
    text = save_transcript(tree, tmp_path / "t.md").read_text("utf-8")
    for said in ("Once", "### A1, leaving A at #2", "demo · temperature 0.8, seed 42", "abcde", "perplexity 2"):
        assert said in text
    assert "| 2 | `'other'` | 25.00% | 0.00% | 2 | 2.00 |" in text
    assert settings_line(SamplingConfig(top_p=0.9, stop="x")) == "temperature 0.8, seed 42, top-p 0.9, stop ['x']"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.json", None, "there is no file"),
        ("t.json", b"{", "is damaged"),
        ("t.md", b"# Transcript\n", "is damaged"),
        ("t.json", b"\xff\xfe", "cannot be read"),
        ("t.json", b"[]", "is not a transcript"),
        ("t.json", b'{"kind": "transcript", "format": 99, "branches": []}', "format 99, this version reads up to 1"),
        ("t.json", b'{"kind": "transcript", "format": 1}', "expected a tree"),
        ("t.json", b'{"kind": "transcript", "format": 1, "branches": [{"id": 1, "name": "A", "parent": 7}]}', "a tree"),
    ],
)
def test_what_is_no_transcript_is_said(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        open_transcript(tmp_path / name)


@pytest.mark.parametrize("wrong", [None, -1, 1.5, 10**6, "x", [], {}, [[1]], "missing"])
def test_a_transcript_of_which_a_value_was_changed_is_refused_or_can_be_used(
    tree: Tree, tmp_path: Path, wrong: object
) -> None:
    path = save_transcript(tree, tmp_path / "t.json")
    whole = json.loads(path.read_text())
    (place,) = [i for i, branch in enumerate(whole["branches"]) if branch.get("steps")]
    for name in list(whole["branches"][place]["steps"][0]):
        raw = json.loads(path.read_text())
        step = raw["branches"][place]["steps"][0]
        step[name] = wrong
        if wrong == "missing":
            del step[name]
        (tmp_path / "changed.json").write_text(json.dumps(raw))
        try:
            found = open_transcript(tmp_path / "changed.json")
        except InputError:
            continue
        assert save_transcript(found, tmp_path / "again.md").read_text()
        assert all(found.perplexity(branch.id) > 0 for _, branch in found.walk() if not branch.is_root)


@pytest.mark.parametrize(("name", "said"), [("t.txt", "FILE.md or FILE.json, got t.txt"), ("no/t.md", "no folder")])
def test_where_none_can_be_written_is_said(tree: Tree, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        save_transcript(tree, tmp_path / name)
