"""Asks the widgets of a screen for their lines, but not those of which nothing is seen.

The toolkit asks all that lie where something changed, front to back, and throws away what others before them cover: a
screen, its body and most of what holds panes are drawn for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class Painter(Compositor):
    """A compositor that leaves out what is covered."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        # The toolkit's own, and private: where a later one has another name for it, all is drawn as before.
        within = self.size.region if crop is None else crop
        covered = [0] * self.size.height
        """Of each line a bit for each column that something is drawn in."""
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            there = seen.intersection(within)
            if not there:
                continue
            columns = (1 << there.right) - (1 << there.x)
            if all(covered[y] & columns == columns for y in there.line_range):
                continue
            for y in there.line_range:
                covered[y] |= columns
            yield region, clip, widget.render_lines(seen.translate((-region.x, -region.y)))
