"""The state of the simulated phone: everything that its pages show and its gestures change, in frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from edgewise.agent.phone.skins import Skin
from edgewise.common.hashed import hashed_once

WIDTH, HEIGHT = 1080, 2400
"""Size of the upright display, pixels."""
LAUNCHER = "launcher"


@dataclass(frozen=True)
class Contact:
    """A person in the address book."""

    number: int
    name: str
    phone: str
    address: str
    favourite: bool = False


@dataclass(frozen=True)
class Message:
    """A text message with a contact; `own` ones were written on this phone."""

    contact: int
    text: str
    own: bool


@dataclass(frozen=True)
class Note:
    """A note with a title and one paragraph."""

    number: int
    title: str
    text: str


@dataclass(frozen=True)
class Alarm:
    """An alarm of the clock, at `minute` of the day."""

    number: int
    minute: int
    on: bool


@dataclass(frozen=True)
class Product:
    """A product of the shop; its price in cents."""

    number: int
    name: str
    price: int
    stars: int


@dataclass(frozen=True)
class Order:
    """An order of the shop: products by number, and where it goes."""

    products: tuple[int, ...]
    address: str


@dataclass(frozen=True)
class Spot:
    """A place on the map; its distance in metres."""

    number: int
    name: str
    address: str
    metres: int
    saved: bool = False


@dataclass(frozen=True)
class Appointment:
    """An appointment of the calendar: day of the month, minute of the day."""

    number: int
    title: str
    day: int
    minute: int


@hashed_once
@dataclass(frozen=True)
class World:
    """What the apps hold."""

    contacts: tuple[Contact, ...] = ()
    messages: tuple[Message, ...] = ()
    notes: tuple[Note, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    products: tuple[Product, ...] = ()
    basket: tuple[int, ...] = ()
    orders: tuple[Order, ...] = ()
    spots: tuple[Spot, ...] = ()
    route: int = -1
    appointments: tuple[Appointment, ...] = ()
    settings: tuple[tuple[str, int], ...] = ()
    timer: int = 0

    def setting(self, name: str) -> int:
        """The value of a setting; switches are 0 or 1."""
        return dict(self.settings)[name]

    def with_setting(self, name: str, value: int) -> World:
        """The world with another value of a setting."""
        return replace(self, settings=tuple((key, value if key == name else old) for key, old in self.settings))


@dataclass(frozen=True)
class Place:
    """A page of an app, with what it shows (`argument`) and how far it is scrolled, pixels."""

    app: str
    page: str
    argument: str = ""
    scroll: int = 0


@hashed_once
@dataclass(frozen=True)
class State:
    """The phone.

    Attributes:
        world: what the apps hold.
        skin: how all of it looks.
        stack: pages that "back" returns through; the last is shown.
        drafts: text of fields that was typed and not used yet, by the field's key.
        focus: key of the field that takes what is typed; empty if none.
        recents: apps in the order of use, the latest first.
        popup: text of a dialog that lies over everything; empty if none.
        minute: of the day, shown in the status bar.
        turned: whether the display lies on its side.
        display: whether it is lit.
        keys: which page of the keyboard is shown.
    """

    world: World
    skin: Skin
    stack: tuple[Place, ...] = (Place(LAUNCHER, "home"),)
    drafts: tuple[tuple[str, str], ...] = ()
    focus: str = ""
    recents: tuple[str, ...] = ()
    popup: str = ""
    minute: int = 0
    turned: bool = False
    display: bool = True
    keys: Literal["lower", "upper", "digits"] = "lower"

    @property
    def place(self) -> Place:
        """The page that is shown."""
        return self.stack[-1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the display as it lies, pixels."""
        return (HEIGHT, WIDTH) if self.turned else (WIDTH, HEIGHT)

    def draft(self, key: str, default: str = "") -> str:
        """The text in a field."""
        return dict(self.drafts).get(key, default)

    def with_draft(self, key: str, text: str) -> State:
        """The phone with another text in a field."""
        kept = tuple(each for each in self.drafts if each[0] != key)
        return replace(self, drafts=(*kept, (key, text)))

    def without_drafts(self, start: str) -> State:
        """The phone without the texts of the fields whose keys begin with `start`."""
        return replace(self, drafts=tuple(each for each in self.drafts if not each[0].startswith(start)), focus="")


@dataclass(frozen=True)
class Event:
    """What a part of a page does when it is touched.

    Attributes:
        kind: `go` to a page of the same app, `back`, `do` a deed of the app, `focus` a field, `open` an app, `home`,
            `dismiss` the dialog that lies over everything, `key` of the keyboard on the screen.
        name: of the page, deed, field, app or key.
        argument: of the page or deed.
    """

    kind: Literal["go", "back", "do", "focus", "open", "home", "dismiss", "key"]
    name: str = ""
    argument: str = ""


def next_number(numbers: tuple[int, ...]) -> int:
    """A number that none of `numbers` is."""
    return max(numbers, default=-1) + 1
