"""Lines painted one by one on demand; their style, which takes time to look up, is looked up once for all of them."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip


class StyledLines(ScrollView):
    """What a widget whose ``render_line`` paints on ``base`` builds on."""

    _looked_up: Style | None = None

    @property
    def base(self) -> Style:
        """The style of the widget itself."""
        return self._looked_up or self.rich_style

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region."""
        self._looked_up = self.rich_style
        try:
            return super().render_lines(crop)
        finally:
            self._looked_up = None
