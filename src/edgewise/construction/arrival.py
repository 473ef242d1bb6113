"""An agent's folder on its way: one piece of bytes, and a folder again that appears whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np

from edgewise.common import packed
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, replace_file

AGENTS, CURRENT = "agents", "current"
"""Folder of the agents that an edge server has got, and the file that names the one which is served."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Names that files of an agent may have: nothing that leads out of its folder."""


def bundle(folder: Path) -> bytes:
    """The files of an agent's folder in one piece."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return packed.pack({path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in files}, None)


def take_agent(folder: Path, content: bytes, name: str) -> Path:
    """Unpack an agent into `agents/NAME` of an edge server's folder, and make it the current one.

    Args:
        folder: of the edge server.
        content: see `bundle`.
        name: of the agent, its digest.

    Raises:
        EdgewiseError: if the content is damaged, or a name in it is not allowed.
    """
    files, _ = packed.unpack(content)
    for each in (name, *files):
        if not NAME.fullmatch(each):
            raise EdgewiseError(f"agent: file {each[:64]!r}: must have a plain name")
    target = folder / AGENTS / name
    if not target.exists():
        temporary = folder / AGENTS / f".{name}.{os.getpid()}.tmp"
        make_folder(temporary)
        try:
            for each, array in files.items():
                replace_file(temporary / each, array.astype(np.uint8, copy=False).tobytes())
            temporary.replace(target)
        except OSError:
            if not target.exists():
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    set_current(folder, name)
    return target


def set_current(folder: Path, name: str) -> None:
    """Make an agent the one that is served."""
    replace_file(folder / AGENTS / CURRENT, name.encode())


def current_agent(folder: Path) -> Path | None:
    """The folder of the agent that is served; None if there is none."""
    path = folder / AGENTS / CURRENT
    return folder / AGENTS / path.read_text().strip() if path.exists() else None
