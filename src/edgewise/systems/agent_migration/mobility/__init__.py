"""Where the vehicles are: closed loops, or the replay of recorded trajectories."""

from edgewise.systems.agent_migration.mobility.base import Mobility
from edgewise.systems.agent_migration.mobility.loops import RectangularLoops
from edgewise.systems.agent_migration.mobility.replay import TraceReplay

__all__ = ["Mobility", "RectangularLoops", "TraceReplay"]
