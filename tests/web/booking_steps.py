"""How a pet owner gets through the questions of a booking."""

from tests.pages import Browser, Page, Value
from tests.world import World

MARCH_2_AT_ONE = "1804010400"
"""Tuesday 2 March 2027, 1 pm in New York, as the button of that time carries it"""


def at_details(
    browser: Browser, world: World, *, start: str = MARCH_2_AT_ONE, staff: str = "any"
) -> Page:
    """Service, person and time are chosen."""
    page = browser.get("/happy-paws/book").submit("/who", service=str(world.salon.grooming))
    page = page.submit("/when", staff=staff)
    if start not in times_on(page):
        page = page.follow("Tue")
    return page.submit("/details", button=start)


def times_on(page: Page) -> list[str]:
    """The times that can be pressed."""
    fields = [each for form in page.forms for each in form.fields]
    return [each.value for each in fields if (each.name, each.kind) == ("start", "submit")]


def at_check(page: Page, email: str = "new@example.com", **typed: str) -> Page:
    """A guest's details are typed."""
    about: dict[str, Value] = {"first_name": "Nora", "last_name": "Quist", "pet_1_name": "Pip"}
    about |= {"email": email, **typed}
    form = page.form("/book/check")
    return page.browser.request("POST", form.action, data=form.filled(about))
