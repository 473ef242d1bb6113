"""What policies that are one ordinary network share."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx

from edgewise.networks.mlp import MLP


class NetworkPolicy(eqx.Module):
    """A policy whose only weights, but for single vectors, are those of one network over the observation.

    Attributes:
        network: observation to what the policy makes its action of.
    """

    network: MLP

    @property
    @abc.abstractmethod
    def architecture(self) -> dict[str, Any]:
        """Sizes and switches, for `blank`."""

    @property
    def observation_size(self) -> int:
        """Components of an observation."""
        return self.network.layers[0].weight.shape[1]

    @property
    def hidden(self) -> list[int]:
        """Widths of the hidden layers."""
        return [layer.weight.shape[0] for layer in self.network.layers[:-1]]

    @property
    def outputs(self) -> int:
        """Components of the network's output."""
        return self.network.layers[-1].weight.shape[0]
