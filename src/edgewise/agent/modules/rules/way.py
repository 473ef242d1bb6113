"""What comes next towards a goal, and how near a screen is to it."""

from __future__ import annotations

from edgewise.agent.modules.interfaces import Decision, Situation
from edgewise.agent.modules.rules.forms import Found, found_field, is_set, number, resolved
from edgewise.agent.modules.rules.goals import Field, Goal
from edgewise.agent.modules.rules.meanings import (
    find,
    find_button,
    find_switch,
    likeness,
    means,
    named,
    title_of,
    titled,
)
from edgewise.agent.screen import Item, Screen
from edgewise.agent.wording import plain_words

PACKAGES = {
    "calendar": "calendar agenda",
    "clock": "clock alarm",
    "contacts": "contacts people addressbook",
    "maps": "maps map",
    "messages": "messages messaging sms mms",
    "notes": "notes note memo keep",
    "settings": "settings",
    "shop": "shop store market",
}
"""Apps, and words in the names of their packages."""
ROLES = {"button": "button", "text": "field", "input": "field", "checkbox": "switch", "switch": "switch"}
"""Words for what an item looks like, and the role."""
FORM = 5.0
"""How near a form is; every field that is set brings it nearer by one."""
Way = tuple[float, Decision]
"""How near a screen is to a goal, and what comes next."""


def package_of(app: str, packages: tuple[str, ...]) -> str:
    """The package of an app; empty if there is none."""
    words = PACKAGES.get(app, app).split()
    for package in packages:
        if any(word in part for part in reversed(package.split(".")) for word in words):
            return package
    return ""


def is_app(app: str, package: str) -> bool:
    """Whether a package is that of an app."""
    return bool(package) and package_of(app, (package,)) != ""


def tap(item: Item) -> Decision:
    """Touch an item."""
    return Decision(kind="tap", item=item.number, why=item.label[:100])


def confirming(screen: Screen) -> tuple[Item, Item] | None:
    """The buttons of a question whether something is to be deleted: yes and no."""
    buttons = [each for each in screen.items if each.touchable]
    yes, no = find(screen, "delete"), find(screen, "cancel")
    return (yes, no) if yes is not None and no is not None and len(buttons) <= 3 else None


def advance(goal: Goal, situation: Situation) -> Way:
    """What comes next towards a goal, and how near the screen is to it."""
    screen = situation.screen
    note = _lone_note(screen)
    if note is not None:
        return 0.0, tap(note)
    if goal.apps and not any(is_app(app, screen.app) for app in goal.apps):
        return 0.0, _opening(goal.apps[0], situation)
    question = confirming(screen)
    if question is not None:
        yes, no = question
        return (8.0, tap(yes)) if goal.verb == "delete" and _asked_for(goal, situation) else (0.5, tap(no))
    return _form(goal, situation) or _touch(goal, screen) or _on_the_way(goal, screen) or _lost(goal, situation)


def _lone_note(screen: Screen) -> Item | None:
    """The only button of a window that tells something."""
    buttons = [each for each in screen.items if each.touchable]
    return buttons[0] if len(buttons) == 1 and len(screen.items) <= 3 and find(screen, "ok") == buttons[0] else None


def _asked_for(goal: Goal, situation: Situation) -> bool:
    """Whether the question whether to delete follows what was done for this goal."""
    if not situation.past:
        return False
    last = situation.past[-1]
    return likeness(last.target, goal.name) > 0 or likeness(last.page, goal.name) > 0


def _opening(app: str, situation: Situation) -> Decision:
    package = package_of(app, situation.apps)
    if package:
        return Decision(kind="open_app", app=package)
    tile = find(situation.screen, app)
    return Decision(kind="press", key="home") if tile is None else tap(tile)


def _about(goal: Goal, screen: Screen) -> bool:
    """Whether a page or a form is about what the goal names."""
    if not goal.name or titled(screen, goal.name):
        return True
    pressed = any(each.role == "button" and means(each, goal.meaning) > 1 for each in screen.items)
    says = [each for each in screen.items if each.role == "field" or (goal.verb == "press" and pressed)]
    return any(likeness(each.text, goal.name) == 1.0 for each in says)


def _form(goal: Goal, situation: Situation) -> Way | None:
    """The next field, or the button below; None if the form is not shown."""
    screen = situation.screen
    values = {field: resolved(field.value, situation.facts) for field in goal.fields}
    found = [(field, found_field(screen, field, wanted)) for field, wanted in values.items()]
    if not any(each for _, each in found) or not _about(goal, screen):
        return None
    near = FORM
    for field, each in found:
        wanted = values[field]
        if each is None:
            return near, Decision(kind="press", key="back") if screen.keyboard else _scrolling("down", screen)
        if not is_set(each, field, wanted):
            return near + _within(each, field, wanted), _filling(each, field, wanted)
        near += 1.0
    button = find(screen, goal.meaning) if goal.verb == "press" else None
    if button is not None:
        return near, tap(button)
    hidden = Decision(kind="press", key="back") if screen.keyboard else _scrolling("down", screen)
    return near, hidden if goal.verb == "press" else Decision(kind="wait")


def _within(found: Found, field: Field, wanted: str) -> float:
    """How near a field that is not set is to its value, below 1."""
    if not field.level:
        return 0.5 if found.item.focused else 0.0
    now, then = number(found.now), number(wanted)
    return 0.0 if now is None or then is None else 0.9 / (1 + abs(now - then))


def _filling(found: Found, field: Field, wanted: str) -> Decision:
    if not field.level:
        return Decision(kind="type", item=found.item.number) if found.item.focused else tap(found.item)
    now, then = number(found.now), number(wanted)
    button = found.more if now is None or then is None or now < then else found.less
    return tap(button) if button is not None else Decision(kind="wait")


def _touch(goal: Goal, screen: Screen) -> Way | None:
    """The last touch of a goal that has no form on this page."""
    if goal.verb == "touch":
        item = named(screen, goal.name) or find(screen, goal.name.lower()) or _of_role(screen, goal.name)
        return None if item is None else (4.0, tap(item))
    if goal.verb == "look" and likeness(title_of(screen), goal.name) > 0:
        return 4.0, _scrolling("down", screen)
    if goal.verb == "turn" and not goal.meaning:
        item = named(screen, goal.name)
        return (4.0, tap(item)) if item is not None and item.role == "switch" else None
    if goal.verb == "delete":
        icon = find(screen, "delete") if likeness(title_of(screen), goal.name) > 0 else None
        return None if icon is None else (4.0, tap(icon))
    if goal.meaning and (goal.verb in ("show", "turn") or (goal.verb == "press" and not goal.fields)):
        item = _last_item(goal, screen) if _about(goal, screen) else None
        return None if item is None else (4.0, tap(item))
    return None


def _of_role(screen: Screen, name: str) -> Item | None:
    """The first item of a role that is called by its name alone, such as "the button"."""
    role = next((role for word, role in ROLES.items() if word in name.lower()), "")
    return next((each for each in screen.items if each.touchable and each.role == role), None)


def _last_item(goal: Goal, screen: Screen) -> Item | None:
    """The switch or the button of a goal; of a thing's own page the only one will do."""
    own = bool(goal.name) and likeness(title_of(screen), goal.name) > 0
    if goal.verb == "turn":
        item = find_switch(screen, goal.meaning)
        return item if item is None or own or means(item, goal.meaning) else None
    return find_button(screen, goal.meaning) if own and not goal.via else find(screen, goal.meaning)


def _on_the_way(goal: Goal, screen: Screen) -> Way | None:
    """A button on the way to the last touch, or the thing itself in a list."""
    writing = goal.name and "add" in goal.via
    if not writing and _about(goal, screen):
        own = bool(goal.name) and likeness(title_of(screen), goal.name) > 0 and "edit" not in goal.via
        for place, meaning in reversed(list(enumerate(goal.via))):
            item = find_button(screen, meaning) if own else find(screen, meaning)
            if item is not None:
                return 3.0 + place / 10, tap(item)
    item = named(screen, goal.name) if goal.name and likeness(title_of(screen), goal.name) == 0 else None
    if item is None:
        return None
    if goal.verb == "delete" and item.holdable:
        return 2.0, Decision(kind="long_press", item=item.number)
    return 2.0, tap(item)


def _scrolling(direction: str, screen: Screen) -> Decision:
    lists = [each for each in screen.items if each.scrollable]
    number = lists[0].number if lists else None
    return Decision.model_validate({"kind": "scroll", "direction": direction, "item": number})


def _lost(goal: Goal, situation: Situation) -> Way:
    """Nothing of the goal is on this page: look further down, further up, elsewhere, or go back."""
    screen = situation.screen
    ends = set()
    for each in reversed(situation.past):
        if each.action.kind != "scroll":
            break
        if each.outcome == "C":
            ends.add(each.action.direction)
    if any(each.scrollable for each in screen.items):
        for direction in ("down", "up"):
            if direction not in ends:
                return 1.0, _scrolling(direction, screen)
    if goal.name and "add" in goal.via:
        item = find(screen, "add") or find(screen, "edit")  # a pencil begins a message
        if item is not None:
            return 1.5, tap(item)
    others = [app for app in goal.apps if not is_app(app, screen.app) and package_of(app, situation.apps)]
    if others and _first_page(situation):
        return 1.0, _opening(others[0], situation)
    return 0.5, Decision(kind="press", key="back")


def _first_page(situation: Situation) -> bool:
    """Whether the app was opened and nothing but scrolling was done since."""
    for each in reversed(situation.past):
        if each.action.kind != "scroll":
            return each.action.kind == "open_app"
    return False


def words_of(goal: Goal) -> str:
    """A goal in words."""
    what = goal.name or goal.meaning or ", ".join(each.meaning for each in goal.fields)
    return " ".join([goal.verb, *plain_words(goal.meaning if goal.name else ""), what]).strip()
