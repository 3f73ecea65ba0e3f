"""The lab in a real browser: open, train, see the loss move, close, reopen; and who may not come in."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from browser import chromium

from core.errors import InputError
from core.training.runs import list_runs, open_run
from lab.serving import check_address

ESCAPES = re.compile(r"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07]*\x07|[()][0-9A-B]|.)")


def plain(received: str) -> str:
    return ESCAPES.sub("", received)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(folder: Path, *words: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab", "serve", *words, "--port", str(port)),
        env=os.environ | {"LLM_LAB_RUNS": str(folder / "runs"), "LLM_LAB_STATE": str(folder / "state")},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert f"http://127.0.0.1:{port}" in line and "ctrl-c ends it" in line
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_open_train_see_the_loss_move_close_and_reopen(tmp_path):
    runs = tmp_path / "runs"
    async with serving(tmp_path, "training", "--model", "demo") as (address, _):
        async with chromium(tmp_path / "browser") as page:
            await page.open(f"{address}/")
            await page.until(lambda text: "time machine" in plain(text) and "Lesson" in plain(text))
            for key in ("n", "Enter"):  # the form of a new run, as it stands
                await page.press(key)
                await asyncio.sleep(1)
            await page.until(lambda _: any(run.state == "running" for run in list_runs(runs)), 120)
            here = len(page.received)
            await page.until(lambda text: len(set(re.findall(r"train (\d\.\d\d)", plain(text[here:])))) >= 3, 120)
            asked = {re.sub(r"^(\w+://[^/]+).*", r"\1", one) for one in page.requested if not one.startswith("data:")}
            assert asked == {address}  # no other machine is asked for anything
        (run,) = list_runs(runs)
        assert run.state == "running"  # the page is closed, the run goes on
        async with chromium(tmp_path / "again") as page:
            await page.open(f"{address}/")
            await page.until(lambda text: run.name[:12] in plain(text) and "running" in plain(text))
    run_dir = open_run(runs / run.name)
    assert run_dir.state == "running"  # and the server is gone
    run_dir.send("stop")
    await asyncio.to_thread(deque, run_dir.follow(), 0)  # to its end
    assert run_dir.state == "stopped"


@pytest.fixture
async def served(tmp_path):
    async with serving(tmp_path) as (address, _):
        yield address


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8000"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_only_our_own_page_is_let_in(served, headers, status):
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{served}/", headers=headers) as answer:
            assert answer.status == status
        if status == 403:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{served}/ws", headers=headers)
            assert refused.value.status == 403
        async with session.get(f"{served}/ws", headers=headers) as answer:  # as a curious person asks, not the page
            assert answer.status == (400 if status == 200 else 403)
            assert "for the page alone" in await answer.text() or status == 403


async def test_a_port_that_is_taken_says_so(served):
    port = served.rsplit(":", 1)[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab", "serve", "--port", port), stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    title, hint = said.decode().splitlines()
    assert title.startswith(f"cannot listen on 127.0.0.1:{port}: ") and "in use" in title
    assert hint == f"another port: --port {int(port) + 1}"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "lab.example"])
def test_other_machines_are_let_in_only_when_asked_for_and_with_a_warning(host):
    with pytest.raises(InputError, match="can be reached by other machines") as refused:
        check_address(host, 8000, others=False)
    assert "ssh -L 8000" in refused.value.hint
    assert "no password" in check_address(host, 8000, others=True)


def test_this_machine_alone_needs_no_warning_and_a_port_is_checked():
    assert check_address("127.0.0.1", 8000, others=False) == check_address("::1", 8000, others=False) == ""
    for port in (0, -1, 65536):
        with pytest.raises(InputError, match=f"--port must be from 1 to 65535, got {port}"):
            check_address("127.0.0.1", port, others=True)
