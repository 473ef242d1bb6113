"""The file of a module: its manifest and its weights in one piece, signed. Safetensors and JSON: nothing that could be code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.common import packed
from edgewise.common.errors import ConfigurationError, EdgewiseError, check_range
from edgewise.common.files import make_folder, replace_file, told
from edgewise.common.plain import check_keys, from_plain, to_plain
from edgewise.construction.keys import Key, verify
from edgewise.construction.kind import ModuleKind, Weights

FORMAT = 1
"""Version of the layout."""
LIMIT = 64 * 2**20
"""Largest file that is read, byte; messages are below it too."""
MOST_ARRAYS, MOST_ROUNDS = 1024, 10_000
"""Arrays of a module and rounds of a log that are read: far above what is used, and bounded."""
ALLOWED = ("float32", "float16", "int32", "int64", "uint8", "bool")
"""Types of arrays that a module may have."""
PURPOSE = b"edgewise module 1\n"
"""Begins everything that is signed as a module, so that no other signature can stand for one."""


class Refused(EdgewiseError):
    """An upload that is not taken.

    Args:
        verdict: the name of the reason.
        why: in words.
    """

    def __init__(self, verdict: str, why: str) -> None:
        super().__init__(f"{verdict}: {why}")
        self.verdict, self.why = verdict, why


@dataclass(frozen=True)
class Manifest:
    """What is said of a module.

    Attributes:
        kind: name under which its kind is registered.
        interface: version of its kind's interface.
        inputs, outputs: JSON schemas of a request and an answer.
        examples: number of examples that it was built from.
        data: what they are, in words.
        rounds: figures of each round, in their order.
        order: what the module was ordered for; another order's module is a replay.
        author: public key of the edge server, hexadecimal.
        digest: SHA-256 of everything above and the weights, hexadecimal; empty until it is signed.
        signature: the author's, of the digest, hexadecimal; empty until it is signed.
    """

    kind: str
    interface: int
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    examples: int
    data: str = ""
    rounds: tuple[dict[str, float], ...] = ()
    order: str = ""
    author: str = ""
    digest: str = ""
    signature: str = field(default="", repr=False)

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all rounds as the author has measured it, s."""
        return sum(each.get("cpu_seconds", 0.0) for each in self.rounds)


@dataclass(frozen=True)
class Module:
    """A module: its manifest and its weights."""

    manifest: Manifest
    weights: Weights = field(repr=False)


def describe(kind: str, of: ModuleKind, examples: int, data: str = "", order: str = "") -> Manifest:
    """The manifest of a module before its first round.

    Args:
        kind: name under which its kind is registered.
        of: the kind.
        examples: number of examples that it is built from.
        data: what they are, in words.
        order: what it is ordered for.
    """
    return Manifest(kind, of.interface, of.inputs, of.outputs, examples, data, (), order)


def digest(manifest: Manifest, weights: Weights) -> str:
    """SHA-256 of a module, of all that its author says and has built, hexadecimal."""
    rounds = tuple({name: float(value) for name, value in each.items()} for each in manifest.rounds)
    said = to_plain(replace(manifest, rounds=rounds, digest="", signature=""))
    content = hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name])
        content.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode())
        content.update(array.tobytes())
    return content.hexdigest()


def pack(manifest: Manifest, weights: Weights, key: Key) -> bytes:
    """A module's file, signed.

    Args:
        manifest: its author, digest and signature are filled in.
        weights: of the module.
        key: of its author.

    Raises:
        ConfigurationError: for a figure that is not finite, as that of training which has diverged.
    """
    for number, figures in enumerate(manifest.rounds, 1):
        for name, value in figures.items():
            check_range(f"round {number}, {name}", value)
    manifest = replace(manifest, author=key.public)
    manifest = replace(manifest, digest=digest(manifest, weights))
    manifest = replace(manifest, signature=key.sign(PURPOSE + bytes.fromhex(manifest.digest)))
    return content(Module(manifest, weights))


def content(module: Module) -> bytes:
    """The file of a module that was signed: the same that it was read from."""
    return packed.pack(module.weights, {"format": FORMAT, "manifest": to_plain(module.manifest)})


def unpack(content: bytes, limit: int = LIMIT) -> Module:
    """The module of a file, whose digest and signature are checked; whose it must be is not known here.

    Args:
        content: of the file, from anyone.
        limit: bytes that it may have.

    Raises:
        Refused: "oversized", "malformed", "manifest", "digest" or "signature".
    """
    if len(content) > limit:
        raise Refused("oversized", f"has {len(content)} bytes: must have {limit} at most")
    try:
        arrays, facts = packed.unpack(content)
    except EdgewiseError:
        raise Refused("malformed", "is no file of a module") from None
    manifest = _read_manifest(facts)
    _check_arrays(arrays)
    if digest(manifest, arrays) != manifest.digest:
        raise Refused("digest", "the content is not what the digest says")
    if not verify(manifest.author, manifest.signature, PURPOSE + bytes.fromhex(manifest.digest)):
        raise Refused("signature", "is not signed by the author that it names")
    return Module(manifest, arrays)


def write(path: Path, content: bytes) -> None:
    """Write a module's file, whole or not at all.

    Raises:
        EdgewiseError: if it cannot be written.
    """
    make_folder(path.parent)
    try:
        replace_file(path, content)
    except OSError as error:
        raise EdgewiseError(told(error)) from None


def read(path: Path, limit: int = LIMIT) -> Module:
    """The module of a file.

    Raises:
        EdgewiseError: if it cannot be read.
        Refused: as `unpack` does.
    """
    return unpack(read_limited(path, limit), limit)


def read_limited(path: Path, limit: int = LIMIT) -> bytes:
    """The content of a file, at most one byte more than `limit`.

    Raises:
        EdgewiseError: if it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise EdgewiseError(told(error)) from None


def _read_manifest(facts: Any) -> Manifest:
    try:
        values = check_keys("module", facts, ("format", "manifest"))
        if values["format"] != FORMAT:
            raise ConfigurationError("format", values["format"], f"{FORMAT}")
        manifest = from_plain(Manifest, values["manifest"])
        if len(manifest.rounds) > MOST_ROUNDS:
            raise ConfigurationError("rounds", len(manifest.rounds), f"{MOST_ROUNDS} at most")
        if not (len(manifest.digest) == 64 and set(manifest.digest) <= set("0123456789abcdef")):
            raise ConfigurationError("digest", manifest.digest[:64], "64 hexadecimal digits")
        json.dumps(to_plain(manifest), allow_nan=False)
    except (ConfigurationError, ValueError, RecursionError) as error:
        raise Refused("manifest", " ".join(str(error).split())[:300]) from None
    return manifest


def _check_arrays(arrays: Weights) -> None:
    if len(arrays) > MOST_ARRAYS:
        raise Refused("malformed", f"has {len(arrays)} arrays: must have {MOST_ARRAYS} at most")
    for name, array in arrays.items():
        if array.dtype.name not in ALLOWED:
            raise Refused("malformed", f"{name[:80]} is of type {array.dtype}: must be {', '.join(ALLOWED)}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Refused("malformed", f"{name[:80]} has a value that is not finite")
