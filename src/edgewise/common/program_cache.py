"""Compiled programs, kept on disk between commands. JAX does the keeping; this chooses the place and bounds its size."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import warnings
import zlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import platformdirs

VARIABLE = "EDGEWISE_CACHE"
"""Environment variable: a folder for the programs, or "off"."""
FOLDER_VARIABLE = "JAX_COMPILATION_CACHE_DIR"
LIMIT_BYTES = 1 << 30
"""Most that programs may take on disk, about a thousand of the size of a training loop."""
SETTINGS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",  # reading even the smallest is faster than compiling it
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
SUFFIX = "-cache"
"""How JAX ends the name of a program's file."""
ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"
CHECKED = "checked"
"""File whose date tells which programs have been looked at."""


def keep_programs() -> Path | None:
    """Let JAX keep the programs of this process, and of those that it starts, on disk. Results do not depend on it.

    Call it before JAX is imported, which reads its settings then; settings of JAX that the user made have precedence. Whatever is
    wrong with the folder, programs are compiled as if there were none.

    Returns:
        The folder, or None if programs are not kept, or not by this function.
    """
    ignore_damaged_programs()
    place = os.environ.get(VARIABLE, "")
    if place == "off" or FOLDER_VARIABLE in os.environ or "jax" in sys.modules:
        return None
    root = Path(place).absolute() if place else platformdirs.user_cache_path("edgewise") / "programs"
    folder = root / _kind_of_machine()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            return None
        _remove_damaged(folder)
        _limit(root, LIMIT_BYTES)
    except OSError:
        return None
    for name, value in (SETTINGS | {FOLDER_VARIABLE: str(folder)}).items():
        os.environ.setdefault(name, value)
    return folder


def ignore_damaged_programs() -> None:
    """Do not warn of programs on disk that cannot be read or written; they are compiled."""
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")


def _kind_of_machine() -> str:
    """A name for machines that can run each other's programs: several may share a user's folder."""
    facts = [platform.machine(), *(metadata.version(name) for name in ("jax", "jaxlib"))]
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open() as lines:
        facts += [next((line for line in lines if line.startswith(("flags", "Features"))), "")]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _programs(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.rglob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # another process may have removed it
            yield path, path.stat()


def _remove_damaged(folder: Path) -> None:
    """Remove programs that a killed process, or a full disk, has left in part; JAX would never write them again."""
    mark = folder / CHECKED
    since = mark.stat().st_mtime_ns if mark.exists() else 0
    fresh = [(path, facts) for path, facts in _programs(folder) if facts.st_mtime_ns > since]
    for path, _ in fresh:
        with contextlib.suppress(FileNotFoundError):
            if not _whole(path.read_bytes()):
                path.unlink()
    if fresh:
        mark.touch()
        newest = max(facts.st_mtime_ns for _, facts in fresh)
        os.utime(mark, ns=(newest, newest))


def _whole(content: bytes) -> bool:
    """Whether a packed program can be unpacked; JAX packs by Zstandard where that is installed, else by zlib."""
    try:
        if content.startswith(ZSTANDARD_MAGIC):
            return True
        unpacking = zlib.decompressobj()
        unpacking.decompress(content)
        return unpacking.eof
    except zlib.error:
        return False


def _limit(root: Path, most: int) -> None:
    """Remove the programs that were not used for the longest time until the rest takes no more than `most` bytes."""
    found = sorted(_programs(root), key=lambda item: max(item[1].st_atime_ns, item[1].st_mtime_ns))
    size = sum(facts.st_size for _, facts in found)
    for path, facts in found:
        if size <= most:
            break
        path.unlink(missing_ok=True)
        size -= facts.st_size
