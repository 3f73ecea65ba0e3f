"""What has arrived of a file: ``NAME.part``, and ``NAME.part.json`` which says what version of the file it is of.

Leaves out: how it arrives (``download.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DiskFullError, DownloadError
from core.files import FULL, replace, sync_file, sync_folder

if TYPE_CHECKING:
    import httpx


class PartFile:
    """A file on its way to ``dest``."""

    def __init__(self, dest: Path, url: str, verifiable: bool) -> None:
        """Looks at nothing yet.

        Args:
            dest: where the whole file will be.
            url: where it comes from.
            verifiable: whether its hash is known, which makes it safe to continue whatever is here.
        """
        self.dest = dest
        self.path = dest.with_name(f"{dest.name}.part")
        self._notes_path = dest.with_name(f"{dest.name}.part.json")
        self._url = url
        self._verifiable = verifiable

    def resumable(self) -> int:
        """How many bytes are here that a range request may continue."""
        notes = self._notes()
        known = self._verifiable or (notes.get("url") == self._url and self.validator() is not None)
        return size_of(self.path) if known and notes.get("plain", "yes") == "yes" else 0

    def validator(self) -> str | None:
        """What If-Range may carry: a strong entity tag, or a date."""
        notes = self._notes()
        if notes.get("url") != self._url:
            return None  # another mirror's tag says nothing here
        etag = notes.get("etag", "")
        return etag if etag and not etag.startswith("W/") else notes.get("last_modified") or None

    def same_version(self, response: httpx.Response) -> bool:
        """Whether a partial answer is of the version begun here (not every server looks at If-Range)."""
        notes = self._notes()
        begun, now = notes.get("etag", ""), response.headers.get("etag", "")
        return not begun or not now or begun == now or notes.get("url") != self._url

    def begin(self, response: httpx.Response) -> None:
        """Forgets what was here, and notes which version comes now."""
        self.discard()
        notes = {
            "url": self._url,
            "etag": response.headers.get("etag", ""),
            "last_modified": response.headers.get("last-modified", ""),
            "plain": "yes" if is_plain(response) else "no",
        }
        with writing(self.dest.parent):
            self._notes_path.write_text(json.dumps(notes), encoding="utf-8")

    def discard(self) -> None:
        """Forgets what was here."""
        with writing(self.dest.parent):
            self._notes_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def put(self, target: Path) -> None:
        """Renames what has arrived to ``target``, so that it survives a power cut."""
        with writing(self.dest.parent):
            sync_file(self.path)
            replace(self.path, target)
            self._notes_path.unlink(missing_ok=True)
            sync_folder(self.dest.parent)

    def _notes(self) -> dict[str, str]:
        try:
            notes = json.loads(self._notes_path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return {k: v for k, v in notes.items() if isinstance(v, str)} if isinstance(notes, dict) else {}


class UnwritableError(DownloadError):
    """The folder cannot be written: no other mirror will change that."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what the operating system refuses in a folder into two clear lines.

    Raises:
        DiskFullError: no space is left.
        UnwritableError: it refused for another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL or getattr(error, "winerror", None) in (39, 112):
            raise DiskFullError(
                f"no space left in {folder}",
                "free some space and run it again: it goes on where it stopped; or set LLM_LAB_CACHE to a folder on "
                "another disk",
            ) from error
        raise UnwritableError(
            f"{folder} cannot be written: {error.strerror or error}",
            "set LLM_LAB_CACHE to a folder where you may write",
        ) from error


def is_plain(response: httpx.Response) -> bool:
    """Whether a body is the file itself, so that its length and its ranges mean something."""
    return response.headers.get("content-encoding", "identity").lower() in ("", "identity")


def size_of(path: Path) -> int:
    """Bytes of a file, 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
