"""The cells that exist, in a folder that all experiments share."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import jax
import pandas as pd

from edgewise import __version__
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, replace_file
from edgewise.experiments.cell import Cell, CellResult, Learned, difference

DESCRIPTION_FILE = "cell.json"
TABLES = ("episodes", "curve")
CODE = ("numerics", "diffusion", "environments", "policies", "algorithms", "training")


class StoreError(EdgewiseError):
    """A stored result cannot be used."""


@cache
def code_digest() -> str:
    """Digest of the source of all layers that a result depends on; it is noted beside results, not required of them."""
    root = Path(__file__).parents[1]
    total = hashlib.sha256()
    for path in sorted(path for layer in CODE for path in (root / layer).rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def machine() -> str:
    """This one, in words."""
    device = jax.devices()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, {device.platform}" + (
        "" if device.platform == "cpu" else f" ({device.device_kind})"
    )


class Store:
    """`cells/ADDRESS/` with results, `runs/ADDRESS/` with the training runs behind them."""

    def __init__(self, root: Path) -> None:
        """Args: `root`, made once something is to be computed."""
        self._root = root

    def open(self) -> None:
        """Make the folder, if it must be.

        Raises:
            EdgewiseError: if nothing can be written there.
        """
        make_folder(self._root)

    def run_folder(self, player: Learned) -> Path:
        """Where a run is trained."""
        return self._root / "runs" / player.address

    def cell_folder(self, cell: Cell) -> Path:
        """Where a result lies."""
        return self._root / "cells" / cell.address

    def load(self, cell: Cell) -> CellResult | None:
        """The result of a cell, or none if it has not been computed.

        Raises:
            StoreError: if what lies there was made with another configuration or version, or is damaged.
        """
        folder = self.cell_folder(cell)
        if not folder.is_dir():
            return None
        mend = "delete this folder to compute it again"
        try:
            kept = json.loads((folder / DESCRIPTION_FILE).read_text())
            files = {name: (folder / f"{name}.csv").read_bytes() for name in TABLES}
            version, described, sums, code = (kept[field] for field in ("edgewise", "cell", "sha256", "code"))
        except (OSError, ValueError, KeyError, TypeError):
            raise StoreError(f"{folder}: is damaged or incomplete; {mend}") from None
        if version != __version__:
            raise StoreError(f"{folder}: edgewise = {version!r}: must be {__version__!r}, this version; {mend}")
        found = difference(cell.description, described)
        if found is not None:
            raise StoreError(f"{folder}: {found[0]} = {found[2]!r}: must be {found[1]!r}; {mend}")
        if any(hashlib.sha256(files[name]).hexdigest() != sums.get(name) for name in TABLES):
            raise StoreError(f"{folder}: a table does not match its checksum; {mend}")
        tables = {name: pd.read_csv(folder / f"{name}.csv") for name in TABLES}
        return CellResult(tables["episodes"], tables["curve"], code, kept.get("machine", ""))

    def save(self, cell: Cell, result: CellResult) -> CellResult:
        """Write a result; its folder appears whole or not at all, and one that exists is kept.

        Returns:
            What is now kept, as `load` gives it.
        """
        folder = self.cell_folder(cell)
        scratch = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        scratch.mkdir(parents=True, exist_ok=True)
        try:
            tables = {name: _csv(getattr(result, name)) for name in TABLES}
            for name, content in tables.items():
                replace_file(scratch / f"{name}.csv", content)
            description: dict[str, Any] = {
                "edgewise": __version__,
                "code": result.code,
                "machine": result.machine,
                "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in tables.items()},
                "cell": cell.description,
            }
            replace_file(scratch / DESCRIPTION_FILE, json.dumps(description, indent=2).encode())
            try:
                scratch.rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        kept = self.load(cell)
        assert kept is not None
        return kept


def _csv(table: pd.DataFrame) -> bytes:
    if table.empty:
        table = pd.DataFrame({"steps": []})
    return table.to_csv(index=False).encode()
