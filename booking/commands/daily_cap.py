"""`booking operator daily-cap SLUG N|none`: how many invitations a business may send in a day."""

from booking.businesses.queries import this_business
from booking.commands import configured, place, talk
from booking.errors import Invalid, Refusal
from booking.invitations.actions import pacing

MOST = 10_000_000


def run(*, slug: str, most: str) -> int:
    try:
        cap = _cap(most)
        with place.writing(place.database(configured.settings()), slug) as session:
            business = this_business(session)
            pacing.set_daily_cap(session, business, cap, by=place.COMMAND)
            name = business.name
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    said = "without a cap" if cap is None else f"at most {cap:,} a day"
    talk.say(f"{name} sends invitations {said}.")
    return talk.DONE


def _cap(most: str) -> int | None:
    """`none` takes the cap away. Raises Invalid."""
    if most == "none":
        return None
    if not (most.isascii() and most.isdigit()) or int(most) > MOST:
        raise Invalid("Give a whole number of invitations, or none.")
    return int(most)
