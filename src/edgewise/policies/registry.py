"""The kinds of policy that can be deployed, by the name that an artefact gives them."""

from __future__ import annotations

from typing import Any

from edgewise.common.errors import EdgewiseError
from edgewise.common.table import Table

KINDS: Table[type[Any]] = Table("edgewise.policies", "kind")
"""Each a class of the protocol `DeployablePolicy` or `RecurrentPolicy`."""


def kind_of(policy: Any) -> str:
    """Name of a policy's kind.

    Raises:
        EdgewiseError: if its class is in no table, so that an artefact of it could not be read.
    """
    name = KINDS.name_of(type(policy))
    if name is None:
        raise EdgewiseError(
            f"{type(policy).__qualname__}: must be a kind of policy that is registered: {', '.join(KINDS.names())}"
        )
    return name


def register_kind(name: str, kind: type[Any]) -> None:
    """Add a kind of policy of your own, for this process.

    Raises:
        ConfigurationError: if the name is taken.
    """
    KINDS.register(name, kind)
