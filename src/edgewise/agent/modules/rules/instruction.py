"""Instructions in English as goals: clauses, their verbs, names, quoted texts and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from edgewise.agent.modules.rules.goals import Field, Goal, Value

SETTINGS = {
    "wifi": (r"wi-?fi|wlan|wireless", "network"),
    "bluetooth": (r"bluetooth", "network"),
    "mobile": (r"mobile data|cellular data", "network"),
    "aeroplane": (r"(?:aeroplane|airplane|flight) mode", "network"),
    "dark": (r"(?:dark|night) (?:theme|mode)", "display"),
    "brightness": (r"brightness", "display"),
    "vibration": (r"vibration", "sound"),
    "volume": (r"volume", "sound"),
}
"""Settings that most phones have: how they are called, and the group in which they stand."""
NOUNS = {
    "contacts": r"contacts?|person",
    "notes": r"notes?|memo",
    "calendar": r"calendar|appointments?|events?|meeting",
    "clock": r"clock|alarms?|timer",
    "shop": r"shop|store|products?|article",
    "maps": r"maps?|place|location",
    "messages": r"messages?|chat|conversation",
    "settings": r"settings?",
}
"""Apps, and what the things in them are called."""
PLACES = (
    r"\b(?:hotel|library|station|caf[eé]|museum|pharmacy|theatre|theater|hospital|gardens?|bar|gallery|hall|"
    r"cent(?:re|er)|restaurant|airport|school|church|park|market|bank|bakery|cinema|university|office|stadium|pool)\b"
)
"""Words in names of places rather than of people."""
ATTRIBUTES = {
    "phone": r"(?:phone |telephone )?number|phone",
    "address": r"address",
    "time": r"time",
    "price": r"price",
    "text": r"text",
}
ATTRIBUTE = "|".join(ATTRIBUTES.values())
OPEN, CLOSE = "\u2039", "\u203a"
"""Brackets in which the number of a quoted text stands while an instruction is taken apart."""
CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)"
TOUCH = r"(?:click|tap|press|select|choose|touch|hit|focus)"
"""Words for touching something."""
ARTICLES = r"(?:the |a |an |this |my )?"


class _Reading:
    """An instruction while it is read.

    Args:
        text: of the instruction.
    """

    def __init__(self, text: str) -> None:
        self.quoted = re.findall(r"[\"“„]([^\"“”„]*)[\"”]", text)
        for number, each in enumerate(self.quoted):
            text = re.sub(rf"[\"“„]{re.escape(each)}[\"”]", f"{OPEN}{number}{CLOSE}", text, count=1)
        self.text = text.strip().rstrip(".!")
        self.last = ""

    def name(self, text: str) -> str:
        """A name without quotes, articles and nouns; `the contact` alone is the last that was named."""
        found = re.search(rf"{OPEN}(\d+){CLOSE}", text)
        if found:
            self.last = self.quoted[int(found[1])]
            return self.last
        nouns = "|".join(NOUNS.values())
        bare = re.sub(rf"^{ARTICLES}(?:(?:{nouns})\b ?(?:called |named )?)?", "", text.strip(), flags=re.I)
        bare = re.sub(rf"^(?:at )(?={CLOCK})", "", bare.strip())
        self.last = bare or self.last
        return self.last

    def app(self, text: str) -> str:
        """The app that a noun in a text belongs to; empty if there is none."""
        return next((app for app, nouns in NOUNS.items() if re.search(rf"\b(?:{nouns})\b", text, re.I)), "")


Rule = Callable[[_Reading, "re.Match[str]"], list[Goal]]


@lru_cache(maxsize=256)
def goals_of(instruction: str) -> tuple[Goal, ...]:
    """The goals of an instruction, in their order; none if it is not understood."""
    reading = _Reading(instruction)
    text = re.sub(
        r"^in the (?:settings|contacts|notes|shop|maps|calendar|clock|messages), ", "", reading.text, flags=re.I
    )
    found: list[Goal] = []
    for clause in re.split(rf",? (?:and )?then |; |,? and (?={TOUCH} )", text, flags=re.I):
        found += _clause(reading, clause.strip(" ,"))
    return tuple(found[:8])


def _clause(reading: _Reading, clause: str) -> list[Goal]:
    for pattern, rule in RULES:
        found = re.fullmatch(pattern, clause, re.I)
        if found:
            return rule(reading, found)
    return []


def _attribute(text: str) -> str:
    return next(key for key, pattern in ATTRIBUTES.items() if re.fullmatch(pattern, text, re.I))


def _look(reading: _Reading, attribute: str, of: str) -> Goal:
    """The goal that something is looked up."""
    key = _attribute(attribute)
    told = reading.app(of.split(OPEN)[0]) if OPEN in of else reading.app(of)
    name = reading.name(of)
    if key == "price":
        apps: tuple[str, ...] = ("shop",)
    elif key == "time":
        apps = ("calendar",)
    elif key == "text":
        apps = ("notes",)
    elif re.search(PLACES, name, re.I) or told == "maps":
        apps = ("maps", "contacts")
    else:
        apps = ("contacts", "maps") if key == "address" else ("contacts",)
    return Goal("look", apps, name, key)


def _turn(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    what, on = found["what"], found["on"].lower() == "on"
    if re.search(CLOCK, what):
        return [Goal("turn", ("clock",), re.search(CLOCK, what)[0], on=on)]  # type: ignore[index]
    for meaning, (pattern, group) in SETTINGS.items():
        if re.search(pattern, what, re.I):
            return [Goal("turn", ("settings",), meaning=meaning, via=(group,), on=on)]
    return [Goal("turn", ("settings",), meaning=re.sub(f"^{ARTICLES}", "", what, flags=re.I), on=on)]


def _level(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    for meaning, (pattern, group) in SETTINGS.items():
        if re.search(pattern, found["what"], re.I):
            field = Field(meaning, Value(found["value"]), level=True)
            return [Goal("fill", ("settings",), via=(group,), fields=(field,))]
    return []


def _show(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    what = found["what"]
    group = re.fullmatch(
        r"the page about the (?P<about>phone)(?: in the settings)?|the (?P<group>.+) settings", what, re.I
    )
    if group:
        return [Goal("show", ("settings",), meaning="about" if group["about"] else group["group"].lower())]
    app = reading.app(
        what.split(OPEN)[0] if OPEN in what else what.split(" ")[1] if what.lower().startswith("the ") else what
    )
    return [Goal("show", (app or "contacts",), reading.name(what))]


def _delete(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    what = found["what"]
    time = re.search(CLOCK, what)
    app = reading.app(what.split(OPEN)[0])
    if time and app == "clock":
        return [Goal("delete", ("clock",), time[0])]
    return [Goal("delete", (app or "contacts",), reading.name(what))]


def _send(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    text = reading.name(found["text"])
    return [_sending(reading.name(found["to"]), Value(text))]


def _send_attribute(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    look = _look(reading, found["attribute"], found["of"])
    return [look, _sending(reading.name(found["to"]), Value(of=look.name))]


def _sending(to: str, value: Value) -> Goal:
    return Goal("press", ("messages",), to, "send", ("add",), (Field("message", value),))


def _timer(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    length = Field("minutes", Value(found["value"]), level=True)
    return [Goal("press", ("clock",), meaning="start", via=("timer",), fields=(length,))]


def _favourite(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    return [Goal("turn", ("contacts",), reading.name(found["what"]), "favourite")]


def _keep(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    return [Goal("turn", ("maps",), reading.name(found["what"]), "keep")]


def _route(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    return [Goal("press", ("maps",), reading.name(found["what"]), "start", ("route",))]


def _take(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    return [Goal("press", ("shop",), reading.name(found["what"]), "take")]


def _order(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    what = re.sub(r"^the products? ", "", found["what"], flags=re.I)
    to = found["to"].strip()
    looked = re.fullmatch(r"the address of (?P<of>.+)", to, re.I)
    goals: list[Goal] = []
    if looked:
        goals.append(_look(reading, "address", looked["of"]))
        value = Value(of=goals[0].name)
    else:
        value = Value(reading.name(to))
    for each in re.split(r",? and |, ", what):
        goals.append(Goal("press", ("shop",), reading.name(each), "take"))
    return [
        *goals,
        Goal("press", ("shop",), meaning="order", via=("basket", "order"), fields=(Field("address", value),)),
    ]


def _alarm(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    hour, minute = (
        Field(key, Value(found[part]), level=True) for key, part in (("hours", "hour"), ("minutes", "minute"))
    )
    fill = Goal("fill", ("clock",), via=("add",), fields=(hour,))
    return [fill, Goal("fill", ("clock",), via=("add",), fields=(hour, minute)), _saved("clock", (hour, minute))]


def _saved(app: str, fields: tuple[Field, ...], name: str = "") -> Goal:
    return Goal("press", (app,), name, "save", ("edit",) if name else ("add",), fields)


def _change(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    """Change a field of a thing to a text, or to what is read elsewhere."""
    to = re.fullmatch(rf"the (?P<attribute>{ATTRIBUTE}) of (?P<of>.+)", found["to"], re.I)
    app = reading.app(found["what"]) or "contacts"
    name, key = reading.name(found["what"]), _attribute(found["attribute"])
    if not to:
        return [_saved(app, (Field(key, Value(reading.name(found["to"]))),), name)]
    look = _look(reading, to["attribute"], to["of"])
    return [look, _saved(app, (Field(key, Value(of=look.name)),), name)]


def _add(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    """Add a thing with fields; where there are more than two, each is a goal of its own."""
    noun, rest = found["noun"], found["rest"]
    app = reading.app(noun)
    looks: list[Goal] = []
    fields: list[Field] = []
    main = re.match(rf"^ ?{OPEN}(\d+){CLOSE}", rest)
    if main:
        reading.last = reading.quoted[int(main[1])]
        fields.append(Field("name" if app == "contacts" else "title", Value(reading.last)))
        rest = rest[main.end() :]
    for each in re.finditer(
        rf"(?:the |and )*(?P<key>title|text|name|address|(?:phone )?number) (?P<value>{OPEN}\d+{CLOSE})"
        rf"|(?:whose|with the) (?P<whose>title|text) (?:is|being) the (?P<attribute>{ATTRIBUTE}) of (?P<of>.+)"
        rf"|(?:the|its) (?P<its>{ATTRIBUTE})(?: in the (?P<where>\w+))?(?: of (?P<whom>.+?))? as (?:the|its) (?P<as>title|text)"
        rf"|on day (?P<day>\d+)|at {CLOCK}",
        rest,
        re.I,
    ):
        fields += _field(reading, each, looks)
    if not fields:
        return []
    kept = tuple(fields)
    parts = [Goal("fill", (app,), via=("add",), fields=kept[:last]) for last in range(1, len(kept) + 1)]
    return [*looks, *(parts if len(kept) > 2 else []), _saved(app, kept)]


def _field(reading: _Reading, each: re.Match[str], looks: list[Goal]) -> list[Field]:
    if each["value"]:
        key = "phone" if "number" in each["key"].lower() else each["key"].lower()
        return [Field(key, Value(reading.name(each["value"])))]
    if each["day"]:
        return [Field("day", Value(each["day"]), level=True)]
    if each["hour"]:
        return [Field("hours", Value(f"{int(each['hour']):02d}:{each['minute']}"), level=True)]
    if each["whose"]:
        looks.append(_look(reading, each["attribute"], each["of"]))
        return [Field(each["whose"].lower(), Value(of=looks[-1].name))]
    whom = each["whom"] or ""
    of = reading.last if not whom or re.fullmatch(r"(?:this|the) \w+", whom, re.I) else whom
    apps = {"contacts": r"\bcontact\b"}
    looks.append(_look(reading, each["its"], of))
    if any(re.search(pattern, whom) for pattern in apps.values()):
        looks[-1] = Goal("look", ("contacts",), looks[-1].name, looks[-1].meaning)
    return [Field(each["as"].lower(), Value(of=looks[-1].name))]


def _touched(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    what = re.sub(r"^(?:the )?(?:button|link|tab|checkbox|option|item) (?=.)", "", found["what"], flags=re.I)
    return [Goal("touch", (), reading.name(what))]


def _typed(reading: _Reading, found: re.Match[str]) -> list[Goal]:
    named = re.findall(rf"(\w+) ({OPEN}\d+{CLOSE})", found["rest"])
    if named and not found["text"]:
        return [Goal("fill", (), fields=tuple(Field(key.lower(), Value(reading.name(text))) for key, text in named))]
    return [Goal("fill", (), fields=(Field("message", Value(reading.name(found["rest"]))),))]


IN = r"(?: (?:in|on|of|to) the (?:settings|contacts|notes|shop|store|maps?|calendar|clock|messages))?"
RULES: tuple[tuple[str, Rule], ...] = (
    (r"(?:turn|switch) (?P<what>.+) (?P<on>on|off)" + IN, _turn),
    (r"(?:turn|switch) (?P<on>on|off) (?P<what>.+?)" + IN, _turn),
    (r"(?:set|change|turn) (?P<what>.+?) (?:up |down )?to (?P<value>\d+) ?(?:per ?cent|%)" + IN, _level),
    (rf"(?:set|create|add) (?:a |an )?(?:new )?alarm (?:at|for) {CLOCK}", _alarm),
    (r"start (?:a|the) timer (?:of|for) (?P<value>\d+) min(?:ute)?s?", _timer),
    (r"start (?:a |the )?(?:route|navigation|way|directions) to (?P<what>.+?)" + IN, _route),
    (r"(?:mark|star|make|add) (?P<what>.+?) (?:as |to )(?:a |the |your )?favou?rites?" + IN, _favourite),
    (r"(?:save|keep|bookmark) (?P<what>(?:the )?place .+?)" + IN, _keep),
    (r"(?:put|add|place) (?P<what>.+?) (?:into|in|to) (?:the |my )?(?:shopping )?(?:basket|cart)" + IN, _take),
    (r"(?:order|buy) (?P<what>.+?)(?:,? in this order,?)? (?:and send (?:it|them) )?to (?P<to>.+)", _order),
    (rf"send (?P<to>.+?) the (?P<attribute>{ATTRIBUTE}) of (?P<of>.+)", _send_attribute),
    (rf"send the (?P<attribute>{ATTRIBUTE}) of (?P<of>.+) to (?P<to>.+)", _send_attribute),
    (rf"(?:send|write) (?P<to>.+?) (?:the |a )?(?:message |text )?(?P<text>{OPEN}\d+{CLOSE})", _send),
    (rf"(?:send|write) (?:the |a )?(?:message |text )?(?P<text>{OPEN}\d+{CLOSE}) to (?P<to>.+)", _send),
    (rf"(?:change|set|update) the (?P<attribute>{ATTRIBUTE}) of (?P<what>.+?) to (?P<to>.+)", _change),
    (
        r"(?:add|create|write|make) (?:a|an|the) (?:new )?(?P<noun>contact|note|appointment|event|memo)(?P<rest>.+)",
        _add,
    ),
    (r"(?:delete|remove|erase) (?P<what>.+?)" + IN, _delete),
    (r"(?:show|open|display|look at)(?: me)? (?P<what>.+?)", _show),
    (rf"(?:enter|type|write) (?P<rest>(?P<text>(?:the (?:text|word) )?{OPEN}\d+{CLOSE})?.*)", _typed),
    (rf"{TOUCH}(?: on| into)? (?P<what>.+?)(?: (?:button|link|tab|box|checkbox|option|item|menu))?", _touched),
)
"""Clauses, the most particular first, and what is to be done."""
