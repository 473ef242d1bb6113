"""The executor that a user asks for."""

from __future__ import annotations

from typing import Literal

from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.common.extras import missing
from edgewise.execution.contract import Executor
from edgewise.execution.local import Processes, serial


def executor(workers: int | Literal["ray"], ray_address: str | None = None) -> Executor:
    """The executor for a number of local processes, or for a Ray cluster.

    Args:
        workers: processes, or "ray".
        ray_address: the address of an existing cluster; see `RayCluster`.

    Raises:
        ConfigurationError: for fewer processes than one, or for an address without Ray.
        EdgewiseError: if Ray is wanted and not installed.
    """
    if workers == "ray":
        try:
            from edgewise.execution.ray_cluster import RayCluster
        except ImportError as error:
            raise missing("ray", "ray", error) from error
        return RayCluster(ray_address)
    if ray_address is not None:
        raise ConfigurationError("ray_address", ray_address, "left out unless workers is ray")
    check_integer("workers", workers, 1)
    return Processes(workers) if workers > 1 else serial
