"""Messages: conversations, one of them, a choice of whom to write to."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.phone.apps.contacts import named
from edgewise.agent.phone.moves import back
from edgewise.agent.phone.parts import App, Page, Part, confirmation, entry, icon, nothing, word
from edgewise.agent.phone.state import Event, Message, Place, State


def _conversations(state: State, place: Place) -> Page:
    last = {each.contact: each.text for each in state.world.messages}
    newest = [each.contact for each in state.world.messages]
    order = sorted(last, key=lambda number: -max(place for place, each in enumerate(newest) if each == number))
    rows = tuple(
        Part(
            "row",
            "conversation",
            named(state, str(number)).name,
            last[number],
            "bubble",
            event=Event("go", "chat", str(number)),
            hold=Event("go", "remove", str(number)),
        )
        for number in order
    )
    return Page(
        word(state, "messages"), nothing(state, rows), main=icon(state, "add", "pencil", Event("go", "recipient"))
    )


def _recipient(state: State, place: Place) -> Page:
    people = sorted(state.world.contacts, key=lambda each: each.name)
    rows = tuple(
        Part("row", "recipient", each.name, each.phone, "person", event=Event("go", "chat", str(each.number)))
        for each in people
    )
    return Page(word(state, "to"), nothing(state, rows))


def _chat(state: State, place: Place) -> Page:
    said = tuple(
        Part("bubble", "message", each.text, own=each.own)
        for each in state.world.messages
        if each.contact == int(place.argument)
    )
    return Page(
        named(state, place.argument).name,
        said,
        actions=(icon(state, "delete", "bin", Event("go", "remove", place.argument)),),
        bottom=(
            entry(state, f"messages.chat.{place.argument}.text", "write hint"),
            icon(state, "send", "send", Event("do", "send", place.argument)),
        ),
    )


def _send(state: State, argument: str) -> State:
    text = state.draft(f"messages.chat.{argument}.text").strip()
    if not text:
        return state
    messages = (*state.world.messages, Message(int(argument), text, True))
    return replace(state, world=replace(state.world, messages=messages)).without_drafts("messages.chat.")


def _remove(state: State, argument: str) -> State:
    messages = tuple(each for each in state.world.messages if each.contact != int(argument))
    left = back(replace(state, world=replace(state.world, messages=messages)))
    return back(left) if left.place.page == "chat" else left


MESSAGES = App(
    "messages",
    "bubble",
    {
        "conversations": _conversations,
        "recipient": _recipient,
        "chat": _chat,
        "remove": lambda state, place: confirmation(state, "remove", place.argument),
    },
    {"send": _send, "remove": _remove},
)
