"""A real headless Chromium, driven over its DevTools protocol: just enough to type into a page and read its socket."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> str:
    """The browser of this machine; the test is skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    return found


class Page:
    """One page, and all that its WebSocket was sent."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.received = ""
        """What came through the page's WebSockets, escape sequences and all."""
        self.requested: list[str] = []
        """Addresses that the page asked for."""
        self.grew = asyncio.Event()

    async def listen(self) -> None:
        """Takes in what the browser says, until it is closed."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said.get("result", said.get("error")))
            elif said["method"] == "Network.webSocketFrameReceived":
                frame = said["params"]["response"]
                raw = frame["payloadData"]
                data = base64.b64decode(raw) if frame["opcode"] == 2 else raw.encode()
                self.received += data.decode("utf-8", "replace")
                self.grew.set()
            elif said["method"] == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])

    async def ask(self, method: str, **params: Any) -> Any:
        """One command of the protocol."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._answers[number], 30)

    async def open(self, address: str) -> None:
        """Goes to an address."""
        await self.ask("Network.enable")
        await self.ask("Page.enable")
        await self.ask("Page.navigate", url=address)

    async def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        return (await self.ask("Runtime.evaluate", expression=script))["result"].get("value")

    async def press(self, key: str) -> None:
        """Presses and lets go of a key: a character, ``Enter`` or ``Escape``."""
        codes = {"Enter": (13, "\r"), "Escape": (27, "")}
        code, text = codes.get(key, (ord(key.upper()[0]), key))
        await self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, windowsVirtualKeyCode=code)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def until(self, true: Any, seconds: float = 60) -> str:
        """Waits until ``true(received)`` holds of what came so far, and returns that."""
        async with asyncio.timeout(seconds):
            while not true(self.received):
                self.grew.clear()
                await self.grew.wait()
        return self.received


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """A browser with one empty page; the whole of it is ended at the end, by its process group."""
    program = browser()
    process = await asyncio.create_subprocess_exec(
        program,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--remote-debugging-port=0", f"--user-data-dir={folder}", "--window-size=1280,800", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port = await _port(folder / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                yield page
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(60):
        while process.returncode is None:
            if file.exists() and (text := file.read_text()):
                return int(text.splitlines()[0])
            await asyncio.sleep(0.05)
    raise AssertionError(f"the browser ended with {process.returncode}")
