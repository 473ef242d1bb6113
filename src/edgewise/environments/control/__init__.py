"""Control tasks whose best returns are known: to check a learner before it is trusted with a system of the network edge."""

from edgewise.environments.control.acrobot import Acrobot, AcrobotState
from edgewise.environments.control.cartpole import CartPole, CartPoleState
from edgewise.environments.control.configuration import ControlConfig, PendulumConfig
from edgewise.environments.control.pendulum import Pendulum, PendulumState

__all__ = [
    "Acrobot",
    "AcrobotState",
    "CartPole",
    "CartPoleState",
    "ControlConfig",
    "Pendulum",
    "PendulumConfig",
    "PendulumState",
]
