"""Shop: products with a search, a page of each, a basket, the address of an order, orders."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.phone.moves import go
from edgewise.agent.phone.parts import App, Page, Part, button, entry, euros, icon, nothing, word
from edgewise.agent.phone.state import Event, Order, Place, Product, State

ADDRESS = "shop.checkout.address"


def numbered(state: State, number: int) -> Product:
    """The product of a number."""
    return next(each for each in state.world.products if each.number == number)


def _product_row(product: Product) -> Part:
    return Part(
        "row", "product", product.name, euros(product.price), "bag", event=Event("go", "product", str(product.number))
    )


def _products(state: State, place: Place) -> Page:
    wanted = state.draft("shop.products.find").strip().casefold()
    rows = tuple(_product_row(each) for each in state.world.products if wanted in each.name.casefold())
    return Page(
        word(state, "shop"),
        (entry(state, "shop.products.find", "search"), *nothing(state, rows)),
        actions=(
            icon(state, "orders", "note", Event("go", "orders")),
            icon(state, "basket", "basket", Event("go", "basket")),
        ),
    )


def _product(state: State, place: Place) -> Page:
    product = numbered(state, int(place.argument))
    return Page(
        product.name,
        (
            Part("picture", "photo", product.name, glyph="bag"),
            Part("row", "price", euros(product.price), word(state, "price")),
            Part("row", "stars", f"{product.stars} / 5", word(state, "stars")),
            button(state, "to basket", Event("do", "take", place.argument)),
        ),
        actions=(icon(state, "basket", "basket", Event("go", "basket")),),
    )


def _basket(state: State, place: Place) -> Page:
    held = state.world.basket
    rows = tuple(
        Part(
            "row",
            "held",
            numbered(state, number).name,
            euros(numbered(state, number).price),
            "bin",
            event=Event("do", "put_back", str(where)),
        )
        for where, number in enumerate(held)
    )
    total = euros(sum(numbered(state, number).price for number in held))
    foot = (
        Part("heading", "total", f"{word(state, 'total')}: {total}"),
        button(state, "order", Event("go", "checkout")),
    )
    return Page(word(state, "basket"), (*nothing(state, rows), *(foot if held else ())))


def _checkout(state: State, place: Place) -> Page:
    return Page(
        word(state, "deliver"), (entry(state, ADDRESS, "address"), button(state, "order", Event("do", "order")))
    )


def _thanks(state: State, place: Place) -> Page:
    return Page(word(state, "orders"), (Part("heading", "thanks", word(state, "thanks")),))


def _orders(state: State, place: Place) -> Page:
    rows = tuple(
        Part("row", "order", ", ".join(numbered(state, number).name for number in each.products), each.address, "check")
        for each in reversed(state.world.orders)
    )
    return Page(word(state, "orders"), nothing(state, rows))


def _take(state: State, argument: str) -> State:
    basket = (*state.world.basket, int(argument))
    return go(replace(state, world=replace(state.world, basket=basket)), "basket")


def _put_back(state: State, argument: str) -> State:
    where = int(argument)
    basket = state.world.basket
    return replace(state, world=replace(state.world, basket=(*basket[:where], *basket[where + 1 :])))


def _order(state: State, argument: str) -> State:
    address = state.draft(ADDRESS).strip()
    if not address or not state.world.basket:
        return state
    orders = (*state.world.orders, Order(state.world.basket, address))
    world = replace(state.world, orders=orders, basket=())
    return go(replace(state, world=world).without_drafts("shop.checkout."), "thanks")


SHOP = App(
    "shop",
    "bag",
    {
        "products": _products,
        "product": _product,
        "basket": _basket,
        "checkout": _checkout,
        "thanks": _thanks,
        "orders": _orders,
    },
    {"take": _take, "put_back": _put_back, "order": _order},
)
