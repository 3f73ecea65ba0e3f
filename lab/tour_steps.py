"""The steps of the tour: a screen, what is pointed at, what is said with the numbers of that moment, one thing to do.

Each step asks for a real key of its screen. Whether it was pressed is seen by what it changes, not by the key, so that
the mouse and the palette count as well. Texts are filled with the values of the screen's lesson, which are those that
are on the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from textual.geometry import Region

from screens.widgets.lesson import fill, places_of


def nothing(screen: Any) -> None:
    """There is nothing to set up."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, on one screen."""

    title: str
    screen: int
    """Its number, 1 to 6."""
    target: str
    """What is pointed at, as a selector."""
    text: str
    """A sentence or two; ``{name}`` is a value of the screen's lesson."""
    ask: str
    """The key to press, and what it does."""
    done: str
    """What is said when it was done."""
    watched: Callable[[Any], object]
    """What the key changes."""
    arrange: Callable[[Any], object] = nothing
    """Brings the pane into its place, at once."""
    begin: Callable[[Any], object] = nothing
    """Puts the cursor where there is something to see, once the numbers are there."""
    tidy: Callable[[Any], object] = nothing
    """Undoes what the step asked for."""
    ready: Callable[[Any], bool] = lambda screen: True
    """Whether the numbers have come to rest."""

    def filled(self, template: str, values: Mapping[str, str]) -> str:
        """One of its texts with numbers."""
        return fill(template, values).replace("`", "")

    def lacks(self, values: Mapping[str, str]) -> set[str]:
        """The numbers of its text that are not there yet."""
        return {name for name in places_of(self.text + self.ask) if not values.get(name)}


def _to_tokens(screen: Any) -> None:
    if screen.body.main != "strip":
        screen.to_main("strip")
    screen.body.go_to_pane("main")


def _to_words(screen: Any) -> None:
    screen.show_page("words")


def _to_sum(screen: Any) -> None:
    screen.show_view("analogy")


def _to_heads(screen: Any) -> None:
    screen.show_view("pattern")
    screen.go_to_pane("grid")


def _to_next(screen: Any) -> None:
    screen.show_view("pattern")
    screen.go_to_pane("next")


def _heads_on(screen: Any) -> None:
    if screen.off:
        screen.action_all_on()


def _to_lens(screen: Any) -> None:
    screen.show_view("lens")
    screen.go_to_pane("centre")


def _to_pattern(screen: Any) -> None:
    screen.show_view("pattern")


def _to_demo_run(screen: Any) -> None:
    from core.training.runs import open_run

    screen.show_run(open_run("demo").path)
    screen.body.time.go_to(None)
    screen.body.go_to_pane("time")


def _to_runs(screen: Any) -> None:
    screen.body.go_to_pane("runs")


def _use_demo(screen: Any) -> None:
    screen.workbench.set(a="demo")


def _to_choices(screen: Any) -> None:
    screen.body.go_to_pane("strip")


def _to_doubt(screen: Any) -> None:
    """The cursor goes to where the model hesitated most, of the places where it did not take what was likeliest."""
    line = screen.line_of(screen.shown)
    if line.steps:
        at = max(range(len(line.steps)), key=lambda i: (line.steps[i].rank > 1, line.steps[i].entropy))
        screen.body.strip.go_to(len(line.prompt_pieces) + at)
        screen.look_at_cursor()
    screen.body.mark_pane("alternatives")


def _to_tree(screen: Any) -> None:
    screen.show_page("tensors")
    screen.body.tensor_tree.focus()


def _to_row(screen: Any) -> None:
    """The card has taken rows from the tree: its cursor comes back into sight."""
    tree = screen.body.tensor_tree
    tree.scroll_to_region(Region(0, tree.cursor, 1, 1), animate=False, force=True)


STEPS = (
    Step(
        "A text becomes numbers",
        1,
        "#strip-pane",
        "A model reads numbers, not letters. These {characters} characters have become {tokens} tokens of the "
        "{vocab_size} that it knows. Under the cursor: ‘{token}’, number {token_id}.",
        "right and left: go from token to token",
        "‘{token}’ is number {token_id}.",
        lambda screen: screen.body.strip.cursor,
        _to_tokens,
    ),
    Step(
        "Type, and the cut follows",
        1,
        "#text-pane",
        "What is frequent in the text that it was made from is one token; what is rare falls apart. Here that is "
        "{tokens_per_word} tokens a word, {bytes_per_token} bytes a token.",
        "e, then a word of yours, then esc",
        "Now {characters} characters, {tokens} tokens.",
        lambda screen: screen.text,
        _to_tokens,
    ),
    Step(
        "Sums of words",
        2,
        "#e-analogy-pane",
        "Each of {words} words is a row of {width} numbers, and rows can be added. {sum} comes nearest to ‘{best}’ "
        "({best_value}), then ‘{second}’.",
        "e, then paris - france + italy, then enter",
        "{sum} comes nearest to ‘{best}’ ({best_value}).",
        lambda screen: screen.summed.text if screen.summed is not None else "",
        _to_words,
        _to_sum,
    ),
    Step(
        "Who looks at whom",
        3,
        "#a-grid-pane",
        "{layers} layers of {heads} heads, {all_heads} in all; a head decides which earlier tokens count. In {head} "
        "‘{asks}’ looks back: {weight} of its attention, which is 1 in all, goes to ‘{looked}’.",
        "n: the next head by what the grid measures",
        "{head} is another: here {weight} goes to ‘{looked}’.",
        lambda screen: (screen.place.layer, screen.place.head),
        _to_heads,
        ready=lambda screen: screen.settled,
    ),
    Step(
        "Life without a head",
        3,
        "#a-next-pane",
        "What is a head good for? Switch it off, and see what changes. As it is now, the model says "
        "‘{answer}’ after ‘{asks}’.",
        "a: {head} off; a again: on",
        "{effect}",
        lambda screen: screen.off,
        _to_next,
        tidy=_heads_on,
    ),
    Step(
        "Layer by layer",
        3,
        "#a-centre",
        "Each row says what the model would answer if it stopped after that layer. Over {layers} layers it comes to "
        "‘{answer}’ after ‘{asks}’.",
        ", and . : a token back, a token on",
        "After ‘{asks}’ it comes to ‘{answer}’.",
        lambda screen: screen.place.row,
        _to_lens,
        tidy=_to_pattern,
    ),
    Step(
        "Younger, on every screen",
        3,
        "LabBar",
        "The name at the top right is the model that all six screens look at. This one kept steps from its training: "
        "the same text, the same heads, a younger model.",
        "< : a step earlier; then > : a step later",
        "Now all six screens look at that step. < goes back and > forward, as far as steps were kept.",
        lambda screen: screen.workbench.a,
        _to_heads,
        tidy=_use_demo,
    ),
    Step(
        "How it learnt",
        4,
        "#time-pane",
        "‘{name}’ learnt for {max_steps} steps. Its loss fell from {first_loss} to {loss}; guessing evenly among "
        "{vocab_size} tokens would cost {uniform_loss}.",
        ", and . : back and forth in its time",
        "The losses below and the sample above are of that time.",
        lambda screen: screen.body.time.target,
        _to_demo_run,
    ),
    Step(
        "What it nearly said",
        5,
        "#alternatives-pane",
        "{model} wrote {tokens} tokens, each drawn from a list like this one. Under the cursor it took ‘{token}’ with "
        "probability {p}; likeliest was ‘{best}’ with {best_p}.",
        "a, down, enter: take another road from here",
        "A second branch: t shows the tree, and goes back.",
        lambda screen: screen.shown,
        _to_choices,
        _to_doubt,
        ready=lambda screen: not screen.streaming,
    ),
    Step(
        "All that was learnt",
        6,
        "#w-left",
        "{tensors} tensors with {parameters} numbers are the whole model. {tensor} holds {tensor_values} of them, from "
        "{low} to {high}.",
        "down and up: other tensors, with their values",
        "{tensor}: {tensor_values} numbers, from {low} to {high}.",
        lambda screen: screen.body.tensor_tree.key,
        _to_tree,
        _to_row,
    ),
    Step(
        "Now one of yours",
        4,
        "#runs-pane",
        "n and enter start a model of your own, in a process that goes on when you leave. On every screen ? explains "
        "what is there with its numbers, ctrl+p finds all that can be done, y takes a view away.",
        "n: look at the form; esc puts it away",
        "space ends the tour; ctrl+p, or ? and its last lines, bring it back.",
        lambda screen: len(screen.app.screen_stack),
        _to_runs,
    ),
)
