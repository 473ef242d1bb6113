"""The cells and probes that exist, in a folder that all experiments share."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import jax
import pandas as pd

from edgewise import __version__
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, replace_file
from edgewise.experiments.cell import Cell, CellResult, Learned, ProbeResult, difference
from edgewise.experiments.probe import Probe

DESCRIPTION_FILE = "cell.json"
CODE = (
    "common/*.py",
    *(f"{layer}/**/*.py" for layer in ("numerics", "networks", "diffusion", "environments", "systems", "policies")),
    *(f"{layer}/**/*.py" for layer in ("algorithms", "training")),
    "papers/*/probes.py",
)
"""Source that a result depends on."""
MEND = "delete this folder to compute it again"


class StoreError(EdgewiseError):
    """A stored result cannot be used."""


@cache
def code_digest() -> str:
    """Digest of the source that a result depends on; it is noted beside results, not required of them."""
    root = Path(__file__).parents[1]
    total = hashlib.sha256()
    for path in sorted(path for pattern in CODE for path in root.glob(pattern)):
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

    def cell_folder(self, cell: Cell | Probe) -> Path:
        """Where a result lies."""
        return self._root / "cells" / cell.address

    def load(self, cell: Cell) -> CellResult | None:
        """The result of a cell, or None if it has not been computed.

        Raises:
            StoreError: if what lies there was made with another configuration or version, or is damaged.
        """
        kept = _read(self.cell_folder(cell), cell.description, ("episodes", "curve"))
        if kept is None:
            return None
        tables = {name: pd.read_csv(BytesIO(content)) for name, content in kept.files.items()}
        return CellResult(tables["episodes"], tables["curve"], kept.code, kept.machine)

    def save(self, cell: Cell, result: CellResult) -> CellResult:
        """Write a result; its folder appears whole or not at all, and one that exists is kept.

        Returns:
            What is now kept, as `load` gives it.
        """
        tables = {"episodes": _csv(result.episodes), "curve": _csv(result.curve)}
        _write(self.cell_folder(cell), cell.description, _Kept(tables, result.code, result.machine))
        kept = self.load(cell)
        assert kept is not None
        return kept

    def load_probe(self, probe: Probe) -> ProbeResult | None:
        """The result of a probe, or None if it has not been computed; its numbers are those that were saved, to the last bit.

        Raises:
            StoreError: as `load` does.
        """
        kept = _read(self.cell_folder(probe), probe.description, ("table",))
        if kept is None:
            return None
        table = pd.read_csv(BytesIO(kept.files["table"]), dtype=str, keep_default_na=False)
        return ProbeResult(_typed(table, kept.kinds), kept.code, kept.machine)

    def save_probe(self, probe: Probe, result: ProbeResult) -> ProbeResult:
        """Write a probe's result as `save` does.

        Returns:
            What is now kept.
        """
        kinds = {str(name): kind.kind for name, kind in result.table.dtypes.items()}
        kept = _Kept({"table": _csv(result.table)}, result.code, result.machine, kinds)
        _write(self.cell_folder(probe), probe.description, kept)
        found = self.load_probe(probe)
        assert found is not None
        return found


@dataclass(frozen=True)
class _Kept:
    """Content of a folder: tables as CSV by name, what made them, and for a probe the kind of each column's values."""

    files: dict[str, bytes]
    code: str
    machine: str
    kinds: Mapping[str, str] = field(default_factory=dict)


def _read(folder: Path, described: dict[str, Any], names: tuple[str, ...]) -> _Kept | None:
    if not folder.is_dir():
        return None
    try:
        kept = json.loads((folder / DESCRIPTION_FILE).read_text())
        files = {name: (folder / f"{name}.csv").read_bytes() for name in names}
        version, found, sums, code = (kept[field] for field in ("edgewise", "cell", "sha256", "code"))
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: is damaged or incomplete; {MEND}") from None
    if version != __version__:
        raise StoreError(f"{folder}: edgewise = {version!r}: must be {__version__!r}, this version; {MEND}")
    differing = difference(described, found)
    if differing is not None:
        raise StoreError(f"{folder}: {differing[0]} = {differing[2]!r}: must be {differing[1]!r}; {MEND}")
    if any(hashlib.sha256(files[name]).hexdigest() != sums.get(name) for name in names):
        raise StoreError(f"{folder}: a table does not match its checksum; {MEND}")
    return _Kept(files, code, kept.get("machine", ""), kept.get("kinds", {}))


def _write(folder: Path, described: dict[str, Any], kept: _Kept) -> None:
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        for name, content in kept.files.items():
            replace_file(scratch / f"{name}.csv", content)
        description: dict[str, Any] = {
            "edgewise": __version__,
            "code": kept.code,
            "machine": kept.machine,
            "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in kept.files.items()},
            "cell": described,
            **({"kinds": kept.kinds} if kept.kinds else {}),
        }
        replace_file(scratch / DESCRIPTION_FILE, json.dumps(description, indent=2).encode())
        try:
            scratch.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _typed(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Columns of words as the numbers that they were, to the last bit; kinds are those of NumPy."""
    columns: dict[Any, pd.Series[Any]] = {}
    for name, words in table.items():
        kind = kinds.get(str(name), "O")
        if kind == "f":
            columns[name] = words.replace("", "nan").astype(float)
        elif kind in "iu":
            columns[name] = words.astype("int64")
        else:
            columns[name] = words == "True" if kind == "b" else words
    return pd.DataFrame(columns)


def _csv(table: pd.DataFrame) -> bytes:
    if table.empty:
        table = pd.DataFrame({"steps": []})
    return table.to_csv(index=False).encode()
