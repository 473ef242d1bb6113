"""A problem instance in a YAML file: numbers of your own servers."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import numpy as np

from edgewise.common.errors import ConfigurationError, check_choice, read_from
from edgewise.common.plain import check_keys, from_plain
from edgewise.common.yaml_files import read_yaml
from edgewise.systems.dynamic_contract.model import Hardware, Network
from edgewise.systems.dynamic_contract.network import build_network
from edgewise.systems.dynamic_contract.optimum import MODES, Mode


@dataclass(frozen=True)
class Instance:
    """A two-period contract problem, by the names of its file; K is the length of `theta1`.

    Attributes:
        servers: number of edge servers N, at least K.
        alpha: profit per unit of quality.
        beta: discount of the second period, in [0, 1].
        unit_cost: sigma, cost of a joule.
        power_dbm: transmit power of a server, dBm.
        rate_mbps: transmission rate of a server, 1e6 bit/s.
        integration_energy: E_C, J.
        p1: probability of each type in period 1.
        p2: `[k][j]`, probability of type j in period 2 after type k in period 1.
        theta1, theta2: willingness of the types in each period, rising.
        hardware: constants of the servers, those of Table I unless given.
        mode: "paper", "feasible" or "joint"; see `optimum.optimal_contract`.
        shared: items of period 2 do not depend on the report in period 1.
    """

    servers: int
    alpha: float
    beta: float
    unit_cost: float
    power_dbm: float
    rate_mbps: float
    integration_energy: float
    p1: tuple[float, ...]
    p2: tuple[tuple[float, ...], ...]
    theta1: tuple[float, ...]
    theta2: tuple[float, ...]
    hardware: Hardware = field(default_factory=Hardware)
    mode: Mode = "feasible"
    shared: bool = False

    def __post_init__(self) -> None:
        check_choice("mode", self.mode, MODES)
        self.network()
        if self.mode == "joint":
            for name in ("p1", "p2", "beta"):
                if np.any(np.equal(getattr(self, name), 0)):
                    raise ConfigurationError(name, getattr(self, name), "above 0 everywhere in joint mode")

    def network(self) -> Network:
        """The network state, in double precision.

        Raises:
            ConfigurationError: naming the field, its value and what is allowed.
        """
        return build_network(
            servers=self.servers,
            alpha=self.alpha,
            beta=self.beta,
            unit_cost=self.unit_cost,
            power_dbm=self.power_dbm,
            rate_mbps=self.rate_mbps,
            integration_energy=self.integration_energy,
            types=(self.theta1, self.theta2),
            initial=self.p1,
            transitions=(self.p2,),
            hardware=self.hardware,
        )


def load_instance(path: Path) -> Instance:
    """Read an instance.

    Raises:
        YamlError: if the file cannot be read, or is no YAML.
        ConfigurationError: naming the file, and the keys that are missing or unknown or the first field that is not allowed.
    """
    values = read_yaml(path)
    with read_from(path):
        return parse_instance(values)


def parse_instance(values: object) -> Instance:
    """An instance from plain values, keyed as in its file.

    Raises:
        ConfigurationError: naming the keys that are missing or unknown, or the first field that is not allowed.
    """
    optional = [known.name for known in fields(Instance) if known.default is not MISSING]
    optional += [known.name for known in fields(Instance) if known.default_factory is not MISSING]
    required = [known.name for known in fields(Instance) if known.name not in optional]
    table = check_keys("instance", values, required, optional)
    if "hardware" in table:
        from_plain(Hardware, table["hardware"])
    return from_plain(Instance, table)
