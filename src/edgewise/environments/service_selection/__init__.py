"""Service selection: which provider serves each arriving task of generated content (D2SAC paper)."""

from edgewise.environments.service_selection.configuration import ServiceSelectionConfig
from edgewise.environments.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.environments.service_selection.providers import Providers, draw_providers, running_time

__all__ = [
    "Providers",
    "ServiceSelection",
    "ServiceSelectionConfig",
    "ServiceSelectionState",
    "draw_providers",
    "running_time",
]
