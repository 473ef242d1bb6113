"""`edgewise watch [FOLDER]`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from edgewise.common.errors import EdgewiseError, check_integer, check_range
from edgewise.common.extras import missing


@dataclass(frozen=True)
class Watch:
    """All runs of a folder, live: curves over each other, the differences of their configurations, and who leads.

    A page of this machine shows them (extra "serve"), or with --text the terminal. Runs are read while they are written.

    Attributes:
        folder: with runs in it at any depth.
        text: show them in the terminal.
        once: with --text, look once.
        every_s: time between two looks, s.
        host: address of the page to bind to.
        port: to bind to.
    """

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="[FOLDER]")] = Path("runs")
    text: bool = False
    once: bool = False
    every_s: float = 2.0
    host: str = "127.0.0.1"
    port: int = 8081


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Watch, args=words, prog="edgewise watch")
    check_range("every_s", options.every_s, 0.1)
    check_integer("port", options.port, 1, 65535)
    if not options.folder.is_dir():
        raise EdgewiseError(f"{options.folder}: is no folder")
    if options.text or options.once:
        from edgewise.reports.watch_text import watch_in_terminal

        watch_in_terminal(options.folder, options.every_s, options.once)
        return 0
    try:
        from edgewise.reports.watch_page import serve_page

        print(f"http://{options.host}:{options.port}/", file=sys.stderr)
        serve_page(options.folder, options.host, options.port, options.every_s)
    except ImportError as error:
        raise missing(error.name or "nicegui", "serve", error) from None
    return 0
