"""The lab in a browser: textual-serve with a page of our own, and with a look at who is asking.

Whoever opens the page has the lab as the person who started it: its files and its processes. So it listens on this
machine alone unless told otherwise, and a page of another site cannot reach it either: each request must name the
address that it was sent to (against DNS rebinding), and a WebSocket must come from our own page (browsers let any page
open one to any host). Each open page is an app process of its own; closing it ends that process, and no run.
"""

from __future__ import annotations

import ipaddress
import os
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from core.errors import InputError
from core.folders import asset

LOOPBACK = ("127.0.0.1", "localhost", "::1")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("lab.example")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def command_line(arguments: Sequence[str]) -> str:
    """The command that opens the lab, quoted for the shell of this machine."""
    words = [sys.executable, "-m", "lab", *arguments]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


class LabServer(Server):
    """Serves the lab; ``serve()`` returns when it is interrupted."""

    def __init__(self, arguments: Sequence[str], host: str, port: int, told: Callable[[str], None]) -> None:
        """Prepares it.

        Args:
            arguments: of ``llm-lab``, for the app that each page opens.
            host: the address to listen on.
            port: the port.
            told: called once, when it listens, with the address to open.
        """
        named = f"[{host}]" if ":" in host else host
        super().__init__(
            command_line(arguments),
            host=host,
            port=port,
            title="LLM Lab",
            public_url=f"http://{named}:{port}",
            templates_path=asset("serve"),
        )
        self._told = told

    def serve(self, debug: bool = False) -> None:
        """Listens until it is interrupted; ``told`` is called when it does, not before."""
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            print=lambda *_: self._told(self.public_url),
            access_log=None,
        )

    async def on_startup(self, app: web.Application) -> None:
        """The library would print its name here."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._only_our_own)
        return app

    @web.middleware
    async def _only_our_own(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._addressed_to_us(request.host):
            raise web.HTTPForbidden(text=f"this is not {request.host}; open {self.public_url}")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text=f"a page of {origin} may not use the lab; open {self.public_url}")
        if request.path == "/ws" and request.headers.get("Upgrade", "").lower() != "websocket":
            raise web.HTTPBadRequest(text=f"this is for the page alone; open {self.public_url}")
        return await handler(request)

    def _addressed_to_us(self, named: str) -> bool:
        host = urlsplit(f"//{named}").hostname or ""
        if is_loopback(self.host):
            return is_loopback(host)
        # Elsewhere: by address, or by the name that the server was given; a name of somebody else's is not ours.
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host in (self.host, "localhost")
        return True

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, with addresses as the browser wrote them, so that 127.0.0.1 and localhost both work."""
        self.public_url = f"http://{request.host}"
        response: web.StreamResponse = await super().handle_index(request)
        return response


def check_address(host: str, port: int, *, others: bool) -> str:
    """Whether the lab may listen there.

    Returns:
        A warning to print, or nothing.

    Raises:
        InputError: other machines could reach it and nobody asked for that, or a port that is none.
    """
    if not 1 <= port <= 65535:
        raise InputError(f"--port must be from 1 to 65535, got {port}", "--port 8000, for one")
    if is_loopback(host):
        return ""
    if not others:
        raise InputError(
            f"{host} can be reached by other machines, and whoever opens the page acts as you: files, processes, all",
            "leave --host out and come through ssh -L 8000:localhost:8000 HOST; or add --allow-others if you mean it",
        )
    return (
        f"anyone who can reach {host}:{port} now acts as {os.environ.get('USER', 'you')} on this machine: no password"
    )
