"""`edgewise phone simulate`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import tyro

from edgewise.agent.phone.faults import read_faults
from edgewise.agent.phone.server.server import HOST, PhoneServer
from edgewise.agent.phone.session import Session, draw_session
from edgewise.common.errors import check_integer
from edgewise.common.extras import missing

HIGHEST_PORT = 65535
"""The largest number of a port."""


@dataclass(frozen=True)
class Simulate:
    """A simulated phone, until Ctrl-C: `adb connect 127.0.0.1:PORT` accepts it, and a page shows it.

    Attributes:
        port: for adb, on the loopback; 0 for a free one.
        page: port of the page on which a person can tap and type, on the loopback; 0 for none.
        seed: of look, contents, time of day and faults.
        language: of the apps; if None, drawn.
        unseen: look, names and texts that are kept for tests.
        faults: what goes wrong, as NAME[=CHANCE][@FIRST[-LAST]] separated by commas, such as black-frame=0.2,offline@5-5. Names:
            tree-not-idle, null-root, truncated-png, empty-png, png-warning, black-frame, keyboard-denied, offline,
            unauthorised, slow-transition, rotation, second-display, pop-up, orders.
    """

    port: int = 5565
    page: int = 8085
    seed: int = 0
    language: Literal["en", "de", "es", "fr"] | None = None
    unseen: bool = False
    faults: str = ""

    def __post_init__(self) -> None:
        check_integer("port", self.port, 0, HIGHEST_PORT)
        check_integer("page", self.page, 0, HIGHEST_PORT)
        check_integer("seed", self.seed, 0)


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Simulate, args=words, prog="edgewise phone simulate")
    session = draw_session(options.seed, options.language, read_faults(options.faults), options.unseen)
    asyncio.run(_serve(session, options))
    return 0


async def _serve(session: Session, options: Simulate) -> None:
    server = PhoneServer(session)
    await server.start(options.port)
    print(f"adb connect {HOST}:{server.port}", flush=True)
    try:
        if options.page:
            try:
                from edgewise.agent.phone.page import serve_page
            except ImportError as error:
                raise missing(error.name or "nicegui", "agent", error) from None
            print(f"http://{HOST}:{options.page}", flush=True)
            await serve_page(session, HOST, options.page)
        else:
            await asyncio.Event().wait()
    finally:
        await server.stop()
