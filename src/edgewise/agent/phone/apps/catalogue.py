"""The apps of the simulated phone."""

from __future__ import annotations

from edgewise.agent.phone.apps.calendar import CALENDAR
from edgewise.agent.phone.apps.clock import CLOCK
from edgewise.agent.phone.apps.contacts import CONTACTS
from edgewise.agent.phone.apps.launcher import launcher
from edgewise.agent.phone.apps.maps import MAPS
from edgewise.agent.phone.apps.messages import MESSAGES
from edgewise.agent.phone.apps.notes import NOTES
from edgewise.agent.phone.apps.settings import SETTINGS
from edgewise.agent.phone.apps.shop import SHOP
from edgewise.agent.phone.parts import App
from edgewise.common.errors import ConfigurationError

APPS = (CALENDAR, CLOCK, CONTACTS, MAPS, MESSAGES, NOTES, SETTINGS, SHOP)
"""All apps but the launcher."""
HOME = launcher(APPS)
_BY_NAME = {each.name: each for each in (HOME, *APPS)}


def find_app(name: str) -> App:
    """The app of a name.

    Raises:
        ConfigurationError: if there is none.
    """
    if name not in _BY_NAME:
        raise ConfigurationError("app", name, "one of " + ", ".join(_BY_NAME))
    return _BY_NAME[name]


def of_package(package: str) -> App | None:
    """The app of a package, if it is one of the phone's."""
    return next((each for each in _BY_NAME.values() if each.package == package), None)


def packages() -> tuple[str, ...]:
    """Packages of all apps but the launcher."""
    return tuple(each.package for each in APPS)
