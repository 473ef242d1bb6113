"""An agent at work, for those who look on: a line for each step, and a page that shows the simulated phone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from edgewise.agent.conduct import ENDS, End
from edgewise.agent.phone.session import Session
from edgewise.agent.showing import said
from edgewise.agent.steps import Step, Watcher
from edgewise.agent.trajectory import without_keys
from edgewise.common.extras import missing

HOST = "127.0.0.1"
PAUSE_S = 0.7
"""Seconds between two steps while a page shows the phone."""


class Teller(Watcher):
    """Prints every step and the end.

    Args:
        pause: seconds after each step, so that somebody can follow.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._instruction, self._line = "", ""

    def said(self) -> str:
        """The instruction and what was printed last, a line each."""
        return f"{self._instruction}\n{self._line}".strip()

    def _say(self, line: str) -> None:
        self._line = without_keys(line)
        print(self._line, flush=True)

    def began(self, instruction: str, device: str, names: Mapping[str, str]) -> None:
        self._instruction = instruction

    def acted(self, step: Step, png: bytes) -> None:
        page = step.screen.title or step.screen.app.rsplit(".", 1)[-1]
        notes = f"  ({'; '.join((*step.trouble, *step.notes))})" if step.trouble or step.notes else ""
        self._say(f"{step.number:3}  {page}: {said(step.action, step)}{notes}")
        time.sleep(self._pause)

    def ended(self, end: End) -> None:
        more = end.told or ENDS.get(end.reason, "")
        spent = f"{end.steps} steps, {end.spent.calls} calls, {end.seconds:.1f} s"
        self._say(f"end: {end.reason}{f' ({more})' if more else ''}; {spent}")


def show_page(session: Session, port: int, said: Callable[[], str]) -> str:
    """Serve the page that shows a phone, beside whatever this process does, until it ends.

    Args:
        session: the phone.
        port: of the loopback.
        said: what stands beside the phone.

    Returns:
        The page's address.

    Raises:
        EdgewiseError: if the port is taken, or what the page needs is not installed.
    """
    try:
        from edgewise.agent.phone.page import start_page
    except ImportError as error:
        raise missing(error.name or "nicegui", "agent", error) from None
    return start_page(session, HOST, port, said)


def wait_for_ever() -> None:
    """Wait for Ctrl-C, so that a page can be looked at."""
    print("the page stays until Ctrl-C", flush=True)
    threading.Event().wait()
