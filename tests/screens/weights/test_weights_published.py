"""The table of published models: where d leads, which row it means, and that the keys' meaning is said of that row."""

from textual.geometry import Region
from weight_pilots import opened, sentence, until

from lab.app import LabApp


async def test_d_leads_to_a_marked_row_and_each_row_says_what_d_would_do():
    app = LabApp(screen="weights")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await until(pilot, lambda: screen.items)
        await pilot.press("d")
        table = screen.body.published
        assert screen.focused is table and not app.jobs.jobs  # nobody fetches half a gigabyte by a slip of the finger
        await pilot.pause()
        lines = table.render_lines(Region(0, 1, table.size.width, 4))  # below the border
        assert [any(part.style and part.style.reverse for part in line) for line in lines] == [
            True,
            False,
            False,
            False,
        ]
        assert sentence(screen).startswith("up and down choose · gpt2, 498 MB · ") and "d downloads" in sentence(screen)
        await pilot.press("down")
        assert sentence(screen).startswith("gpt2-medium, 1.42 GB · ") and table.cursor == 1
    assert app.survived == []
