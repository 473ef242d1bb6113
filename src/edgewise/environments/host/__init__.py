"""Environments that are stepped outside of compiled code: everything that is a Gymnasium vector environment."""

from edgewise.environments.host.configuration import HostConfig
from edgewise.environments.host.task import HostTask

__all__ = ["HostConfig", "HostTask"]
