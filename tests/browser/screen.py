"""A page in the table of screens: whom it is for, how one comes to it, what one presses there."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.filled import DESK, SITE

Steps = Callable[[Page], None]
DAY = "/manage/first-day"


@dataclass(frozen=True, slots=True)
class Screen:
    """`who`: a name of `Filled.people`. `path` may name links in braces; `then` goes on."""

    name: str
    route: str
    who: str
    path: str
    status: int = 200
    then: Steps | None = None


def site(
    name: str, who: str, route: str, path: str = "", status: int = 200, then: Steps | None = None
) -> Screen:
    """Of the salon's booking site; `path` where it differs from the route."""
    return Screen(name, f"/{{slug}}{route}", who, f"{SITE}{path or route}", status, then)


def desk(
    name: str, route: str, path: str = "", status: int = 200, then: Steps | None = None
) -> Screen:
    """Of the salon's own side, as its owner sees it."""
    return Screen(name, f"/manage/{{slug}}{route}", "owner", f"{DESK}{path or route}", status, then)


def of_operators(name: str, route: str, path: str = "", then: Steps | None = None) -> Screen:
    path = f"/operator{path or route}"
    return Screen(name, f"/operator{route}", "operator", path, then=then)


def press(label: str) -> Steps:
    return lambda page: page.get_by_role("button", name=label, exact=True).first.click()


def press_both(first: str, then: str) -> Steps:
    def steps(page: Page) -> None:
        press(first)(page)
        press(then)(page)

    return steps


def press_unchecked(label: str) -> Steps:
    """As a browser would that does not look itself whether a form is filled in."""

    def steps(page: Page) -> None:
        page.evaluate("document.querySelectorAll('form').forEach((each) => each.noValidate = true)")
        press(label)(page)

    return steps


def type_and_press(button: str, **typed: str) -> Steps:
    def steps(page: Page) -> None:
        for name, value in typed.items():
            page.locator(f"[name={name}]").fill(value)
        press(button)(page)

    return steps
