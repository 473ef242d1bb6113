"""The ServerApp of Flower that a cloud server's SuperLink runs."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file
from edgewise.common.program_cache import keep_programs
from edgewise.construction.cloud import Cloud
from edgewise.construction.layout import ALLOWED, LOCK, OUTCOME
from edgewise.construction.wire import FlowerTransport


def main(grid: Grid, context: Context) -> None:
    """Carry the construction out that the folder's books hold; the lock says that somebody does."""
    keep_programs()
    folder, name = Path(str(context.run_config["folder"])), str(context.run_config["construction"])
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        allowed = folder / ALLOWED
        keys = set(json.loads(allowed.read_text())) if allowed.exists() else None
        try:
            Cloud(folder, name, FlowerTransport(grid), keys).run()
            outcome = {"construction": name, "error": None}
        except EdgewiseError as error:
            outcome = {"construction": name, "error": str(error)}
        replace_file(folder / OUTCOME, json.dumps(outcome).encode())


app = ServerApp()
app.main()(main)
