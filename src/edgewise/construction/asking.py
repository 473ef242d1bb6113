"""An edge server's agent, asked once over HTTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgewise.common.client import Client
from edgewise.construction.acceptance import example
from edgewise.construction.processes import LOOPBACK, Running, free_port

PATIENCE_S = 120.0
"""How long the agent may take until it answers, s: it starts, is loaded, and its programs are compiled."""


def ask_once(folder: Path) -> dict[str, Any]:
    """Serve the agent of an edge server's folder on the loopback in a process of its own, and let it decide once.

    Returns:
        Its answer: the move, and the version that has decided.

    Raises:
        EdgewiseError: if it does not answer.
    """
    port = free_port()
    command = [sys.executable, "-m", "edgewise", "construct", "edge", str(folder), "--no-build", "--http", str(port)]
    running = Running("agent", command, folder / "flower")
    try:
        with Client(f"http://{LOOPBACK}:{port}", patience_s=PATIENCE_S) as client:
            return client.post("/v1/agent/decide", example().model_dump(mode="json"))
    finally:
        running.stop()
