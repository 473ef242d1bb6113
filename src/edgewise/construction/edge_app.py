"""The ClientApp of Flower that an edge server's SuperNode runs for each message."""

from __future__ import annotations

import fcntl
from functools import partial
from pathlib import Path

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from edgewise.common.program_cache import keep_programs
from edgewise.construction.edge import EdgeServer
from edgewise.construction.layout import WORKING
from edgewise.construction.parcels import Action
from edgewise.construction.wire import opened, wrapped


def _answered(action: Action, message: Message, context: Context) -> Message:
    keep_programs()
    folder = Path(str(context.node_config["folder"]))
    with (folder / WORKING).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        return Message(wrapped(EdgeServer(folder).answer(action, opened(message))), reply_to=message)


app = ClientApp()
app.query("offer")(partial(_answered, "offer"))
app.train("build")(partial(_answered, "build"))
app.query("settle")(partial(_answered, "settle"))
