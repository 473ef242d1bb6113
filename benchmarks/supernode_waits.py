"""What Flower does when a ClientApp is killed, by an app of a few lines: before it has taken its message, and at work on it.

Run: python benchmarks/supernode_waits.py

A SuperLink, a SuperNode, a ServerApp that sends one message and waits `WAIT_S` for the answer. A ClientApp that is killed at work
is answered for by an error. One that is killed before it has taken its message is answered for by nobody: its SuperNode waits
for ever and takes no other message. `edgewise construct edge` therefore begins a SuperNode again that has a message on which
nobody works (`service.EdgeService`); what is lost is the time until then, for the cloud server sends the message once more.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from construction import command, descendants

from edgewise.construction.processes import CONNECTION, LOOPBACK, flower, free_port, start_superlink, start_supernode

WAIT_S = 90.0
LOOK_S = 0.02
APP = """
import json, time
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

HERE = Path(__file__).parent
server, client = ServerApp(), ClientApp()


@server.main()
def main(grid: Grid, context: Context) -> None:
    while not (nodes := list(grid.get_node_ids())):
        time.sleep(0.2)
    message = Message(RecordDict({{"record": ConfigRecord({{"value": 1}})}}), nodes[0], "query")
    began = time.monotonic()
    replies = list(grid.send_and_receive([message], timeout={wait}))
    told = [reply.error.reason if reply.has_error() else "answered" for reply in replies]
    (HERE / "told.json").write_text(json.dumps({{"seconds": round(time.monotonic() - began, 1), "replies": told}}))


@client.query()
def query(message: Message, context: Context) -> Message:
    (HERE / "working").touch()
    time.sleep(10)
    return Message(message.content, reply_to=message)
"""
BUNDLE = """[project]
name = "waiting"
version = "1.0.0"
license = "Apache-2.0"
description = "One message"
dependencies = []

[tool.flwr.app]
publisher = "edgewise"

[tool.flwr.app.components]
serverapp = "waiting:server"
clientapp = "waiting:client"
"""


def case(kill: str) -> dict[str, Any]:
    """What comes back to the ServerApp whose ClientApp is killed: "never", "before" it has its message, or "working" on it."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "waiting.py").write_text(APP.format(wait=WAIT_S))
        (root / "bundle").mkdir()
        (root / "bundle" / "pyproject.toml").write_text(BUNDLE)
        os.environ["PYTHONPATH"] = place
        address = f"{LOOPBACK}:{free_port()}"
        link = start_superlink(root / "cloud", LOOPBACK, int(address.rpartition(":")[2]), None)
        node = start_supernode(root / "edge", address, free_port(), None)
        try:
            flower(root / "cloud", address, None, ["run", str(root / "bundle"), CONNECTION])
            killed, end = kill == "never", time.monotonic() + WAIT_S + 60
            while not (root / "told.json").exists() and time.monotonic() < end:
                time.sleep(LOOK_S)
                if not killed and (kill == "before" or (root / "working").exists()):
                    killed = shoot(node.pid)
            told = json.loads((root / "told.json").read_text()) if (root / "told.json").exists() else {"replies": None}
        finally:
            node.stop()
            link.stop()
        return {"killed": kill, "took_its_message": (root / "working").exists(), **told}


def shoot(root: int) -> bool:
    """Kill the ClientApp among what a process has started; whether there was one."""
    for process in descendants(root):
        if "flwr-clientapp " in command(process):
            os.kill(process, signal.SIGKILL)
            return True
    return False


if __name__ == "__main__":
    for kill in ("never", "working", "before"):
        print(json.dumps(case(kill)), flush=True)
