"""The status line by itself: what is cut, what takes rows, what a click on the counters does."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from screens.widgets.status_line import StatusLine

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"


class Host(App[None]):
    """One line, and how often the jobs were asked for."""

    asked = 0

    def compose(self) -> ComposeResult:
        yield StatusLine()

    def on_status_line_open_jobs(self) -> None:
        self.asked += 1


async def test_a_long_sentence_is_cut_before_the_counters_and_may_take_rows():
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        line = app.query_one(StatusLine)
        line.count("2 runs keep going")
        line.say(LONG)
        shown = str(line.render())
        assert shown.endswith("2 runs keep going")
        assert "…" in shown and len(shown) == line.content_size.width and line.rows == 1
        line.say(LONG, rows=6)
        assert line.rows == 2 and str(line.render()).replace("\n", " ") == LONG
        line.say("short", rows=6)
        assert line.rows == 1 and str(line.render()).startswith("short ")
        await pilot.pause()


@pytest.mark.parametrize(("place", "asked"), [(3, 0), (57, 1)])
async def test_only_the_counters_open_the_jobs(place, asked):
    app = Host()
    async with app.run_test(size=(60, 10)) as pilot:
        line = app.query_one(StatusLine)
        line.say("a sentence")
        line.count("2 runs")
        line.count_jobs("fetch 40 %")
        assert line.counters == "2 runs · fetch 40 %"
        await pilot.pause()
        await pilot.click(StatusLine, offset=(place, 0))
        assert app.asked == asked
