"""One pull, from its lock to its last file: what is here is checked, the rest is fetched from mirror after mirror.

Leaves out: how a file arrives (``download.py``) and what an OpenAI checkpoint becomes (``pull_openai.py``).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.client import host_of, new_client
from core.data.digests import Digest, digest_of, remember, seen
from core.data.download import NotThereError, download
from core.data.partfile import UnwritableError, size_of, writing
from core.data.pull_catalogue import Entry, PullFile
from core.data.pull_disk import clear, paths_of
from core.data.pull_hub import INDEX, check_config, index_of, no_safetensors, shards
from core.data.pull_mirrors import Offer, addresses, ask
from core.data.pull_progress import PullProgress, Rate
from core.errors import DiskFullError, DownloadError, ModelSpecError
from core.folders import cache_dir
from core.lock import FileLock

if TYPE_CHECKING:
    import httpx

_LOOK = 0.2  # seconds between two looks at a lock that another pull holds


class PullJob:
    """One call of ``pull`` for one source."""

    def __init__(self, wanted: Entry, source: str, cancelled: threading.Event, note: str = "") -> None:
        self.wanted = wanted
        self.source = source
        self.cancelled = cancelled
        self.plan = list(wanted.files[source])
        self._sizes: dict[PullFile, int | None] = {}
        self._done: dict[PullFile, int] = {}
        self._offers: dict[str, Offer] = {}
        self._silent: set[str] = set()  # hosts that gave no answer
        self._notes: list[str] = []
        self._unpublished: list[str] = []
        self._may_write = True
        self._why = note  # told when the first file has come: before that it may be half of an error
        self._rate = Rate()
        self._fresh = 0  # bytes that came in this call

    def run(self, lock: FileLock) -> Iterator[PullProgress]:
        """Everything; ends early, without the phase ``done``, when it is cancelled."""
        try:
            with writing(lock.path.parent):
                lock.path.parent.mkdir(parents=True, exist_ok=True)
                held = lock.acquire(patience=0)
        except UnwritableError:
            yield from self._only_look()
            return
        while not held:
            yield self._progress("waiting")
            if self.cancelled.wait(_LOOK):
                return
            with writing(lock.path.parent):
                held = lock.acquire(patience=0)
        try:
            yield from self._all()
        finally:
            lock.release()

    def _only_look(self) -> Iterator[PullProgress]:
        """What a cache that cannot be written is good for: finding out that all is there and right."""
        self._may_write = False
        yield from self._check()
        if len(self._done) == len(self.plan):
            yield self._progress("done")
        elif not self.cancelled.is_set():
            raise UnwritableError(
                f"{cache_dir()} cannot be written, and {self.wanted.name} is not there whole",
                "set LLM_LAB_CACHE to a folder where you may write",
            )

    def _all(self) -> Iterator[PullProgress]:
        yield from self._check()
        if self.cancelled.is_set():
            return
        if len(self._done) < len(self.plan):
            with new_client(host_of(addresses(self.plan[0])[0])) as client:
                yield from self._ask(client)
                self._check_space()
                while not self.cancelled.is_set() and (left := [file for file in self.plan if file not in self._done]):
                    planned = len(self.plan)
                    yield from self._get(left[0], client)  # which may change the plan
                    if len(self.plan) > planned:
                        yield from self._ask(client)
                        self._check_space()
        if not self.cancelled.is_set() and self.source == "openai" and self.wanted.kind == "model":
            from core.data.pull_openai import convert

            for done, total in convert(self.wanted, self.cancelled, self._notes):
                yield self._progress("converting", done=done, total=total)
        if self._unpublished:
            names = ", ".join(self._unpublished)
            self._notes.append(
                f"no digest is published for {names}: what came is noted beside the files and counts from now on"
            )
        if not self.cancelled.is_set():
            yield self._progress("done")

    # What is here

    def _check(self) -> Iterator[PullProgress]:
        """Finds the files that are here and right; what is not is fetched anew."""
        for file in list(self.plan):
            if self.cancelled.is_set():
                return
            if not file.dest.is_file() and self._in_parts(file) and index_of(file).dest.is_file():
                file = self._take_index(file)
            if not file.dest.is_file():
                continue
            yield self._progress("checking", file)
            if self._is_right(file):
                yield from self._arrived(file)

    def _is_right(self, file: PullFile) -> bool:
        size, expected = size_of(file.dest), self._expected(file)
        noted = seen(file.dest.parent).get(file.name)
        if file.digest and noted and digest_of(file.dest, "sha256", self.cancelled.is_set) == noted:
            return True  # made here, of OpenAI's originals
        if file.size is not None and size != file.size:
            self._notes.append(f"{file.name} here has {size:,} bytes instead of {file.size:,}: it is fetched again")
            return False
        if expected is None:
            self._remember(file)
            return True
        found = digest_of(file.dest, expected.algorithm, self.cancelled.is_set)
        if found != expected and not self.cancelled.is_set():
            self._notes.append(f"{file.name} here is not what it should be ({expected}): it is fetched again")
        return found == expected

    def _expected(self, file: PullFile) -> Digest | None:
        """What a file must hash to, as far as it is known here."""
        return file.digest or seen(file.dest.parent).get(file.name)

    def _remember(self, file: PullFile) -> None:
        """Notes the digest of a file for which none is published, so that it counts from now on."""
        if self._may_write and file.digest is None and file.name not in seen(file.dest.parent):
            digest = digest_of(file.dest, "sha256", self.cancelled.is_set)
            if not self.cancelled.is_set():
                remember(file.dest.parent, file.name, digest)

    # What is missing

    def _ask(self, client: httpx.Client) -> Iterator[PullProgress]:
        """Asks for the sizes that are not known, so that the total is known and the disk can be looked at."""
        for file in self.plan:
            if file in self._done or self.cancelled.is_set():
                continue
            self._sizes[file] = file.size
            if file.size is None:
                yield self._progress("asking", file)
                self._sizes[file] = next(
                    (o.size for url in addresses(file) if (o := self._offer(url, client)).size), None
                )

    def _offer(self, url: str, client: httpx.Client) -> Offer:
        if url not in self._offers:
            if host_of(url) in self._silent:
                return Offer()
            self._offers[url] = ask(client, url)
            if not self._offers[url].reached:
                self._silent.add(host_of(url))
        return self._offers[url]

    def _check_space(self) -> None:
        """Looks for room before anything is fetched."""
        missing = [file for file in self.plan if file not in self._done]
        needed = sum(max(0, (self._sizes[file] or 0) - size_of(_part(file))) for file in missing)
        if any(self._sizes[file] is None for file in missing):
            needed = max(needed, self.wanted.about - sum(size_of(_part(file)) for file in missing))
        if self.source == "openai":
            from core.data.pull_openai import extra_bytes

            needed += extra_bytes(self.wanted)
        where = next(folder for folder in (cache_dir(), *cache_dir().parents) if folder.exists())
        free = shutil.disk_usage(where).free
        if needed > free:
            raise DiskFullError(
                f"{self.wanted.name} needs {needed:,} bytes more in {cache_dir()}, {free:,} are free there",
                "llm-lab pull --list shows what is there and --remove NAME frees it; or set LLM_LAB_CACHE to a folder "
                "on another disk",
            )

    def _get(self, file: PullFile, client: httpx.Client) -> Iterator[PullProgress]:
        """One file, and what it means for the others."""
        try:
            yield from self._fetch(file, client)
        except NotThereError:
            if file.optional:
                self._notes.append(f"{self.wanted.name} has no {file.urls[0].rpartition('/')[2]}")
                self.plan.remove(file)
                return
            if self._in_parts(file):
                yield from self._get(self._take_index(file), client)
                return
            if file.name == INDEX:
                raise no_safetensors(self.wanted.name) from None
            raise
        if self.cancelled.is_set():
            return
        try:
            yield from self._arrived(file)
        except ModelSpecError:  # what it says cannot be used: it must not look like the beginning of something
            clear(paths_of(self.wanted))
            raise

    def _in_parts(self, file: PullFile) -> bool:
        """Whether weights may be there in several files, with an index, instead of this one."""
        return self.wanted.name.startswith("hf:") and file.name == "model.safetensors"

    def _take_index(self, file: PullFile) -> PullFile:
        index = index_of(file)
        self.plan[self.plan.index(file)] = index
        self._sizes[index] = None
        return index

    def _fetch(self, file: PullFile, client: httpx.Client) -> Iterator[PullProgress]:
        """One file from the first mirror that gives it."""
        errors: list[DownloadError] = []
        noted = file.digest is None and self._expected(file) is not None
        for url in addresses(file):
            expected = self._expected(file)
            offer = Offer() if file.size is not None and expected else self._offer(url, client)
            if self.cancelled.is_set():
                return
            digest, size = expected or offer.digest, file.size if file.size is not None else offer.size
            before, self._fresh = self._fresh, self._fresh
            try:
                for got in download(url, file.dest, digest=digest, size=size, cancelled=self.cancelled, client=client):
                    self._sizes[file] = got.total
                    self._fresh = before + max(0, got.received - got.resumed_from)
                    whole = got.total is not None and got.received >= got.total
                    yield self._progress("checking" if whole else "fetching", file, got.received)
            except UnwritableError:
                raise
            except DownloadError as error:
                errors.append(error)
                continue
            if self._why:
                self._notes.append(self._why)
                self._why = ""
            if errors:
                self._notes.append(f"{file.name} came from {host_of(url)}: {errors[0].title}")
            if digest is None:
                self._unpublished.append(file.name if size is not None else f"{file.name} (nor its size)")
            return
        raise self._failed(file, errors, noted)

    def _failed(self, file: PullFile, errors: list[DownloadError], noted: bool) -> DownloadError:
        """The two lines when no mirror gave a file: what failed, and how to put the files there by hand."""
        titles = list(dict.fromkeys(error.title for error in errors))
        title = f"{self.wanted.name}: " + "; then ".join(titles)
        missing = [other for other in self.plan if other not in self._done and not other.optional]
        where = ", ".join(f"{other.name} from {other.urls[0]}" for other in missing)
        hint = f"run it again (what has arrived is kept), or put by hand into {file.dest.parent}: {where}"
        if noted and any("SHA-256" in error.title for error in errors):
            hint = (
                f"it is not the file that came the first time; if the new one is right: "
                f"llm-lab pull --remove {self.wanted.name}, and pull it again"
            )
        kind = NotThereError if all(isinstance(error, NotThereError) for error in errors) else DownloadError
        return kind(title, hint)

    def _arrived(self, file: PullFile) -> Iterator[PullProgress]:
        """A file is here, whole: what it says of others is looked at."""
        self._done[file] = self._sizes[file] = size_of(file.dest)
        self._remember(file)
        if self.wanted.name.startswith("hf:"):
            if file.name == "config.json":
                check_config(file, self.wanted.name)
            elif file.name == INDEX:
                for part in shards(file):
                    if part not in self.plan:
                        self.plan.append(part)
                        self._sizes[part] = None
                        if part.dest.is_file() and self._is_right(part):
                            self._done[part] = self._sizes[part] = size_of(part.dest)
        yield self._progress("fetching", file)

    # How far it is

    def _progress(
        self, phase: str, file: PullFile | None = None, received: int = 0, done: int = 0, total: int | None = None
    ) -> PullProgress:
        rate = self._rate.now(self._fresh) if phase == "fetching" else 0.0
        if phase != "converting":
            sizes = [self._sizes.get(each, each.size) for each in self.plan]
            sizes = [0 if size is None and each.optional else size for each, size in zip(self.plan, sizes, strict=True)]
            total = None if None in sizes else sum(size or 0 for size in sizes)
            here = self._done.get(file) if file else None
            done = sum(self._done.values()) + (received if here is None else 0)
        left = (total - done) / rate if total is not None and rate > 0 else None
        note, self._notes[:] = "; ".join(self._notes), []
        place = self.plan.index(file) + 1 if file in self.plan else 0
        return PullProgress(
            self.wanted.name,
            file.name if file else "",
            place,
            len(self.plan),
            done,
            total,
            rate,
            left,
            phase,
            note,
            self._done.get(file, received) if file else received,
            self._sizes.get(file, file.size) if file else None,
        )


def _part(file: PullFile) -> Path:
    return file.dest.with_name(f"{file.dest.name}.part")
