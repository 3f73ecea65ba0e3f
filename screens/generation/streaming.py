"""Answers as they come: into the tree, into the strips, and to their end.

Abstract: ``GenerationScreen`` completes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from screens.generation.comparing import Comparing
from screens.generation.painting import Painting
from screens.generation.view import end_text, value_of
from screens.guard import guarded
from screens.widgets.token_strip import TokenStrip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.generation.steps import Step


class Streaming(Painting):
    """What happens while something is written."""

    @on(Comparing.Began)
    @guarded
    def _stream_began(self, message: Comparing.Began) -> None:
        stream = message.stream
        if stream.cancelled.is_set():
            return
        root = self.root_for(stream.prompt, message.ids)
        self.pieces[root.id] = message.pieces
        branch = self.answers.add(root.id, stream.spec, stream.sampling)
        stream.branch = branch.id
        self.tree_changed()
        self.show_in(stream.slot, branch.id)

    @on(Comparing.Streamed)
    @guarded
    def _streamed(self, message: Comparing.Streamed) -> None:
        stream = message.stream
        if stream.cancelled.is_set() or stream.branch is None or stream.branch not in self.answers:
            return
        for step in message.steps:
            self.answers.extend(stream.branch, step)
            stream.tokens += 1
            stream.seconds += step.seconds
            if step.notice:
                self.say(step.notice)
        self.last_stream = stream
        self._extend_strips(stream.branch, message.steps)
        self.paint_side_soon()

    def _extend_strips(self, branch: int, steps: Sequence[Step]) -> None:
        """Adds tokens where their branch is shown."""
        vocabulary = self.vocabulary_of(branch)
        for strip, shown in ((self.body.strip, self.shown), (self.body.other, self.beside)):
            if shown != branch:
                continue
            coloured = self.measure != "none"
            strip.extend(
                [step.bytes for step in steps],
                [value_of(step, self.measure, vocabulary) for step in steps] if coloured else None,
                [step.token_id for step in steps],
            )
            strip.dim_before = max(strip.dim_before, steps[-1].window_start)
            if self.following:
                with self.prevent(TokenStrip.Highlighted):
                    strip.cursor = strip.length - 1

    @on(Comparing.StreamEnded)
    @guarded
    def _stream_ended(self, message: Comparing.StreamEnded) -> None:
        stream = message.stream
        self.streams.pop(stream.id, None)
        self._drop_if_empty(stream.branch)
        if message.error is not None:
            self.drop_turns()
            self.show_trouble(message.error, stream.spec)
        self.tree_changed()
        self.link_cursor(self.body.strip)
        self.paint_side()
        if message.error is None and not self.streams and not stream.cancelled.is_set():
            own = self.current()
            path = self.answers.path(own.id) if own is not None else []
            said = end_text(path[-1]) if path else ""
            if said:
                self.say(f"{own.name if own else ''}: {said} · o goes on · r next seed · arrows look at its tokens")
        self.next_in_turn()

    def _drop_if_empty(self, branch: int | None) -> None:
        """A branch that was stopped, or failed, before its first token is none."""
        if branch is None or branch not in self.answers:
            return
        own = self.answers[branch]
        if own.steps or own.parent is None or self.answers.children(branch):
            return
        self.answers.discard(branch)
        if self.beside == branch:
            self.beside = None
        if self.shown == branch:
            beside = self.answers.children(own.parent)
            self.show_branch(beside[-1].id if self.answers[own.parent].is_root and beside else own.parent)

    def stop_streaming(self) -> bool:
        """``esc``: what has come stays, nothing more comes."""
        if not self.stop_streams():
            return False
        self.drop_turns()
        own = self.current()
        count = len(self.answers.path(own.id)) if own is not None else 0
        self.say(f"stopped after {count} tokens · o goes on from here")
        self.paint_titles()
        return True

    def action_hold(self) -> None:
        """Lets the stream wait, or flow again."""
        streams = [s for s in self.streams.values() if not s.cancelled.is_set()]
        if not streams:
            self.say("nothing is being written: n answers the prompt")
            return
        for stream in streams:
            stream.flowing.clear() if stream.flowing.is_set() else stream.flowing.set()
        held = not streams[0].flowing.is_set()
        self.say("it waits · p lets it go on · esc stops it" if held else "it goes on")
        self.paint_titles()

    def action_follow(self) -> None:
        """Stays with the newest token, or with the cursor."""
        self.following = not self.following
        if self.following:
            self.body.strip.go_to(self.body.strip.length - 1)
        self.paint_strip()
        self.say("follows the newest token" if self.following else "stays where the cursor is")
