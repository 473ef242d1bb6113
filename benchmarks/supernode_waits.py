"""What Flower does when a ClientApp is killed, by an app of a few lines that sends one message.

Run: python benchmarks/supernode_waits.py [CASE ...]

A ServerApp waits `WAIT_S` for the answer. Killed before it has taken its task ("starting"), a ClientApp is started again. Killed
at work ("working"), it is answered for by an error. Killed between the two, when it has its task and not yet its message
("between"), it is answered for by nobody: its SuperNode waits for ever and takes no other message. `edgewise construct edge`
therefore begins a SuperNode again that has a message on which nobody works (`service.EdgeService`); what is lost is the time
until then, for the cloud server sends the message once more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
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
server = ServerApp()
client = ClientApp()


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
BETWEEN = """
import os, signal, sys
from pathlib import Path

KILLED = Path(__file__).parent / "killed"
if any(each.endswith("flwr-clientapp") for each in sys.orig_argv) and not KILLED.exists():
    from flwr.supernode.runtime import run_clientapp

    def kill(client, request):
        KILLED.touch()
        os.kill(os.getpid(), signal.SIGKILL)

    run_clientapp.RuntimeHttpClient.PullMessages = kill
"""
"""Read by every Python when it starts: it kills the first ClientApp in place of the call by which it takes its message."""
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
    """What comes back to the ServerApp whose ClientApp is killed: "never", "starting", "between" or "working"."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "waiting.py").write_text(APP.format(wait=WAIT_S))
        (root / "bundle").mkdir()
        (root / "bundle" / "pyproject.toml").write_text(BUNDLE)
        if kill == "between":
            (root / "sitecustomize.py").write_text(BETWEEN)
        os.environ["PYTHONPATH"] = place
        address = f"{LOOPBACK}:{free_port()}"
        link = start_superlink(root / "cloud", LOOPBACK, int(address.rpartition(":")[2]), None)
        node = start_supernode(root / "edge", address, free_port(), None)
        try:
            flower(root / "cloud", address, None, ["run", str(root / "bundle"), CONNECTION])
            killed, end = kill in ("never", "between"), time.monotonic() + WAIT_S + 60
            while not (root / "told.json").exists() and time.monotonic() < end:
                time.sleep(LOOK_S)
                if not killed and (kill == "starting" or (root / "working").exists()):
                    killed = shoot(node.pid)
            told = json.loads((root / "told.json").read_text()) if (root / "told.json").exists() else {"replies": None}
        finally:
            node.stop()
            link.stop()
        return {"killed": kill, "took_the_message": (root / "working").exists(), **told}


def shoot(root: int) -> bool:
    """Kill the ClientApp among what a process has started; whether there was one."""
    for process in descendants(root):
        if "flwr-clientapp " in command(process):
            os.kill(process, signal.SIGKILL)
            return True
    return False


if __name__ == "__main__":
    for kill in sys.argv[1:] or ("never", "starting", "between", "working"):
        print(json.dumps(case(kill)), flush=True)
