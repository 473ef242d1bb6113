"""Agents on their way: one piece of bytes, and at an edge server a folder for each, one of which is served."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np

from edgewise.common import packed
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, replace_file
from edgewise.construction.agent import LOCK_FILE, Agent
from edgewise.construction.artefact import Refused

AGENTS, CURRENT, TRUSTED = "agents", "current", "cloud-key"
"""Folder of the agents, the file in it that names the current one, and the file with the cloud server's public key."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Names that files of an agent may have: nothing that leads out of its folder."""


def bundle(folder: Path) -> bytes:
    """The files of an agent's folder in one piece."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return packed.pack({path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in files}, None)


def take_agent(folder: Path, content: bytes, cloud: str) -> Path:
    """Keep an agent, and make it the current one.

    The first cloud server's key that comes is trusted from then on, unless the folder's `cloud-key` names one already.

    Args:
        folder: of the edge server.
        content: see `bundle`; from anyone.
        cloud: public key that the sender names.

    Raises:
        Refused: if it was changed, or is signed by another than the trusted cloud server.
        EdgewiseError: if it cannot be written.
    """
    pinned = folder / TRUSTED
    trusted = pinned.read_text().strip() if pinned.exists() else cloud
    temporary = folder / AGENTS / f".{os.getpid()}.tmp"
    make_folder(temporary)
    try:
        _unpack(content, temporary)
        name = Agent.load(temporary, trusted).lock.digest
        target = folder / AGENTS / name
        if not (target / LOCK_FILE).exists():
            shutil.rmtree(target, ignore_errors=True)
            temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if not pinned.exists():
        replace_file(pinned, trusted.encode())
    set_current(folder, name)
    return target


def _unpack(content: bytes, folder: Path) -> None:
    try:
        files, _ = packed.unpack(content)
    except EdgewiseError:
        raise Refused("malformed", "is no agent") from None
    for name, array in files.items():
        if not NAME.fullmatch(name) or array.dtype != np.uint8:
            raise Refused("malformed", f"a file of the agent is called {name[:64]!r}")
        replace_file(folder / name, array.tobytes())


def agents(folder: Path) -> list[Path]:
    """Folders of all agents that have come, the oldest first."""
    found = [path.parent for path in (folder / AGENTS).glob(f"[!.]*/{LOCK_FILE}")]
    return sorted(found, key=lambda path: (path / LOCK_FILE).stat().st_mtime_ns)


def set_current(folder: Path, name: str) -> None:
    """Make an agent the one that is served; an older one too.

    Raises:
        EdgewiseError: if there is no such agent.
    """
    if not (folder / AGENTS / name / LOCK_FILE).exists():
        there = ", ".join(each.name for each in agents(folder)) or "none"
        raise EdgewiseError(f"{folder}: no agent {name[:64]}: there are {there}")
    replace_file(folder / AGENTS / CURRENT, name.encode())


def current_agent(folder: Path) -> Path | None:
    """The folder of the agent that is served; None if there is none."""
    path = folder / AGENTS / CURRENT
    return folder / AGENTS / path.read_text().strip() if path.exists() else None
