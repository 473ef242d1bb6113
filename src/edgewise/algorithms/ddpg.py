"""DDPG: deep deterministic policy gradient (Lillicrap et al., 2016), which is TD3 without its refinements."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.algorithms.td3 import TD3Config


@dataclass(frozen=True)
class DDPGConfig(TD3Config):
    """Configuration of DDPG, to be learned with `TD3`: one critic, no delay, no noise on the target action.

    Exploration is normal noise, independent from step to step, instead of an Ornstein-Uhlenbeck process.
    """

    critics: int = 1
    delay: int = 1
    smoothing: float = 0.0
