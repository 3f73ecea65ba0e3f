"""``llm-lab serve``: the lab in a browser."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from core.errors import InputError
from lab.cli.commands import PROGRAM
from lab.cli.control import AsJson
from lab.cli.report import print_json
from lab.cli.start import screen_name
from screens.catalogue import SCREENS


def serve(
    screen: Annotated[
        str | None, Parameter(help=f"The screen that a page opens on: a name, or 1 to {len(SCREENS)}.")
    ] = None,
    /,
    *,
    host: Annotated[str, Parameter(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port to listen on.")] = 8000,
    allow_others: Annotated[
        bool, Parameter(negative="", help="Let an address be one that other machines can reach.")
    ] = False,
    model: Annotated[str | None, Parameter(help="The model on the workbench: demo, NAME@best, a path.")] = None,
    as_json: AsJson = False,
) -> int:
    """Serves the lab to a browser on this machine until it is interrupted; runs go on after that."""
    try:
        from lab.serving import LabServer, check_address
    except ImportError as error:
        if (error.name or "").split(".")[0] not in ("textual_serve", "aiohttp"):
            raise
        raise InputError(
            f"serving needs the package {error.name}, which is not installed", "pip install textual-serve"
        ) from None
    arguments = [
        "open",
        "--colours",
        "true",
        *([screen_name(screen)] if screen else []),
        *(["--model", model] if model else []),
    ]
    warning = check_address(host, port, others=allow_others)

    def told(address: str) -> None:
        if as_json:
            print_json({"url": address, "warning": warning or None})
        else:
            print(f"the lab is at {address} · ctrl-c ends it, runs go on")
        sys.stdout.flush()

    if warning:
        print(f"{PROGRAM}: {warning}", file=sys.stderr)
    try:
        LabServer(arguments, host, port, told).serve()
    except OSError as error:
        raise InputError(
            f"cannot listen on {host}:{port}: {error.strerror or error}", f"another port: --port {min(port + 1, 65535)}"
        ) from None
    return 0
