"""Service selection: which provider serves each arriving task of generated content (D2SAC paper)."""

from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.sampling import Providers, draw_providers, running_time

__all__ = [
    "Providers",
    "ServiceSelection",
    "ServiceSelectionConfig",
    "ServiceSelectionState",
    "draw_providers",
    "running_time",
]
