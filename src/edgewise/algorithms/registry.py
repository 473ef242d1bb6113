"""Algorithms by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise.algorithms.cgdm import CGDM, CGDMConfig, GDMConfig
from edgewise.algorithms.d2sac import D2SAC, D2SACConfig
from edgewise.algorithms.ddpg import DDPGConfig
from edgewise.algorithms.discrete_sac import DiscreteSAC, DiscreteSACConfig
from edgewise.algorithms.dqn import DQN, DQNConfig, PrioritisedDQNConfig
from edgewise.algorithms.drqn import DRQN, DRQNConfig
from edgewise.algorithms.edmsac import EDMSAC, DMDDPGConfig, DMSACConfig, EDMSACConfig
from edgewise.algorithms.malppo import (
    MALPPO,
    MAA2CConfig,
    MALPPOConfig,
    MALPPORandomFollowersConfig,
    MALPPORandomLeadersConfig,
    MAPPOConfig,
)
from edgewise.algorithms.ppo import PPO, PPOConfig
from edgewise.algorithms.rainbow import Rainbow, RainbowConfig
from edgewise.algorithms.reinforce import REINFORCE, REINFORCEConfig
from edgewise.algorithms.sac import SAC, SACConfig
from edgewise.algorithms.td3 import TD3, TD3Config
from edgewise.common.errors import ConfigurationError
from edgewise.environments.game import GameSpaces
from edgewise.environments.spaces import Box, Discrete, Space, Spaces


@dataclass(frozen=True)
class AlgorithmEntry:
    """An algorithm that can be asked for by name.

    Attributes:
        name: as given to the command line.
        summary: one line.
        config: its configuration dataclass.
        algorithm: its class, built with (configuration, spaces, updates of the run).
        actions: the kinds of action space it learns in; `GameSpaces` for the actions of several agents.
    """

    name: str
    summary: str
    config: type[Any]
    algorithm: type[Any]
    actions: tuple[type[Space | GameSpaces], ...]

    def build(self, config: Any, spaces: Spaces | GameSpaces, updates: int) -> Any:
        """The algorithm for the given spaces, in a run of so many updates.

        Raises:
            ConfigurationError: if it does not learn in this kind of action space; names those that do.
        """
        action = spaces.action if isinstance(spaces, Spaces) else spaces
        if not isinstance(action, self.actions):
            fitting = ", ".join(e.name for e in ALGORITHMS.values() if isinstance(action, e.actions))
            kind = type(action).__name__
            raise ConfigurationError("algorithm", self.name, f"one for {kind} actions: {fitting}")
        return self.algorithm(config, spaces, updates)


ALGORITHMS = {
    entry.name: entry
    for entry in (
        AlgorithmEntry("cgdm", "confidence-regulated generative diffusion model", CGDMConfig, CGDM, (Box,)),
        AlgorithmEntry("gdm", "CGDM without confidence and consistency", GDMConfig, CGDM, (Box,)),
        AlgorithmEntry("edmsac", "soft actor-critic with a pruned diffusion actor", EDMSACConfig, EDMSAC, (Box,)),
        AlgorithmEntry("dmsac", "EDMSAC without pruning", DMSACConfig, EDMSAC, (Box,)),
        AlgorithmEntry("dmddpg", "deterministic policy gradient with a diffusion actor", DMDDPGConfig, EDMSAC, (Box,)),
        AlgorithmEntry("sac", "soft actor-critic", SACConfig, SAC, (Box,)),
        AlgorithmEntry("td3", "twin delayed deep deterministic policy gradient", TD3Config, TD3, (Box,)),
        AlgorithmEntry("ddpg", "deep deterministic policy gradient", DDPGConfig, TD3, (Box,)),
        AlgorithmEntry("d2sac", "deep diffusion soft actor-critic", D2SACConfig, D2SAC, (Discrete,)),
        AlgorithmEntry("discrete-sac", "soft actor-critic over actions", DiscreteSACConfig, DiscreteSAC, (Discrete,)),
        AlgorithmEntry("dqn", "deep Q-network with double targets", DQNConfig, DQN, (Discrete,)),
        AlgorithmEntry("prioritised-dqn", "DQN with prioritised replay", PrioritisedDQNConfig, DQN, (Discrete,)),
        AlgorithmEntry("drqn", "deep recurrent Q-network", DRQNConfig, DRQN, (Discrete,)),
        AlgorithmEntry("rainbow", "DQN with six improvements together", RainbowConfig, Rainbow, (Discrete,)),
        AlgorithmEntry("ppo", "proximal policy optimisation", PPOConfig, PPO, (Box, Discrete)),
        AlgorithmEntry("malppo", "PPO with a memory for each of several agents", MALPPOConfig, MALPPO, (GameSpaces,)),
        AlgorithmEntry("malppo-rl", "MALPPO with random leaders", MALPPORandomLeadersConfig, MALPPO, (GameSpaces,)),
        AlgorithmEntry("malppo-rf", "MALPPO with random followers", MALPPORandomFollowersConfig, MALPPO, (GameSpaces,)),
        AlgorithmEntry("mappo", "PPO of several agents with central critics", MAPPOConfig, MALPPO, (GameSpaces,)),
        AlgorithmEntry(
            "maa2c", "actor-critic of several agents with central critics", MAA2CConfig, MALPPO, (GameSpaces,)
        ),
        AlgorithmEntry("reinforce", "policy gradient by returns", REINFORCEConfig, REINFORCE, (Box, Discrete)),
    )
}


def find_algorithm(name: str) -> AlgorithmEntry:
    """Look an algorithm up.

    Raises:
        ConfigurationError: naming the algorithms that exist.
    """
    if name not in ALGORITHMS:
        raise ConfigurationError("algorithm", name, f"one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]
