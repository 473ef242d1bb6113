"""The file that describes a policy, `policy.json`, read without what is needed to act."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from edgewise.common.errors import EdgewiseError

FORMAT = 3
"""Version of the layout of a policy folder that is written."""
READ_FORMATS = (2, 3)
"""Versions that are read."""
DESCRIPTION_FILE = "policy.json"
WEIGHTS_FILE = "weights.safetensors"


class ArtefactError(EdgewiseError):
    """A policy artefact is missing, damaged or of an unknown kind, or is asked for what it cannot do."""


def read_description_file(folder: Path) -> dict[str, Any]:
    """What the description file of a policy's folder holds.

    Raises:
        ArtefactError: if the file is missing or damaged, or of a newer format.
    """
    path = folder / DESCRIPTION_FILE
    try:
        description = json.loads(read_bytes(path))
    except ValueError:
        raise ArtefactError(f"{path}: is not JSON: damaged") from None
    if not isinstance(description, dict) or description.get("sha256") != digest(description):
        raise ArtefactError(f"{path}: content does not match its checksum: damaged")
    if description["format"] not in READ_FORMATS:
        allowed = " or ".join(map(str, READ_FORMATS))
        raise ArtefactError(f"{path}: format = {description['format']!r}: must be {allowed}; use a newer edgewise")
    return description


def digest(description: dict[str, Any]) -> str:
    """The checksum of a description, which holds that of the weights."""
    content = {name: value for name, value in description.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_bytes(path: Path) -> bytes:
    """The content of a file of an artefact.

    Raises:
        ArtefactError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read ({error.strerror}): must be a policy artefact's file") from None
