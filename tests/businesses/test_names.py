"""What a business may call itself, and under which address."""

import pytest

from booking.businesses.rules import checked_details, contrast, holds_link, slug_objection
from booking.errors import Invalid


@pytest.mark.parametrize("slug", ["happy-paws", "ab", "paws4you", "x" * 60])
def test_a_plain_slug_is_fine(slug: str) -> None:
    assert slug_objection(slug) is None


@pytest.mark.parametrize(
    "slug",
    ["", "a", "Happy", "happy_paws", "-paws", "paws-", "a--b", "x" * 61, "päws", "a/b", ".."],
)
def test_an_odd_slug_is_refused(slug: str) -> None:
    objection = slug_objection(slug)
    assert objection is not None
    assert objection.code == "invalid"


@pytest.mark.parametrize(
    "slug", ["manage", "api", "i", "u", "status", "help", "healthz", "static", "book", "sign-in"]
)
def test_a_slug_of_the_service_itself_is_refused(slug: str) -> None:
    objection = slug_objection(slug)
    assert objection is not None


@pytest.mark.parametrize(
    "name",
    [
        "Verify at evil.com",
        "www.evil",
        "https://evil",
        "paws@evil",
        "Evil.Com now",
        "evil.com/x",
    ],
)
def test_a_name_holds_no_link(name: str) -> None:
    assert holds_link(name)


@pytest.mark.parametrize(
    "name",
    ["St. Bernard's", "Dr. Paws & Co.", "Happy Paws", "Salon No. 1", "Größe 7", "A. B. Cats"],
)
def test_a_name_may_have_full_stops(name: str) -> None:
    assert not holds_link(name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 61),
        ("name", "see evil.com"),
        ("timezone", "Mars/Olympus"),
        ("currency", "EURO"),
        ("email", "nobody"),
        ("phone", "5" * 41),
        ("accent", "red"),
        ("accent", "#ffffff"),
        ("slug", "other"),
    ],
)
def test_details_that_can_not_be_used_name_their_field(field: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_details({"name": "Happy Paws", "timezone": "Europe/London", field: value})
    assert [each.field for each in refused.value.fields] == [field]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
