"""What a module is ordered for."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.construction.parcels import canonical, digest


@dataclass(frozen=True)
class Order:
    """What a module is wanted for.

    Attributes:
        construction, period: in which.
        edge: public key of the server that it is from.
        kind: of the module.
        rounds: T.
        seed: of the order of the examples.
        initial: digest of the initial weights.
    """

    construction: str
    period: int
    edge: str
    kind: str
    rounds: int
    seed: int
    initial: str

    @property
    def name(self) -> str:
        """A name that no other order has."""
        return digest(canonical(vars(self)))
