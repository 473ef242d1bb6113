"""Where the vehicles are: closed loops, or the replay of recorded trajectories."""

from edgewise.environments.agent_migration.mobility.base import Mobility
from edgewise.environments.agent_migration.mobility.loops import RectangularLoops
from edgewise.environments.agent_migration.mobility.replay import TraceReplay

__all__ = ["Mobility", "RectangularLoops", "TraceReplay"]
