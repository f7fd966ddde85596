"""`booking operator plan SLUG PLAN`: put a business on a plan."""

from booking import metadata
from booking.billing.actions.plans import choose_plan
from booking.businesses.queries import this_business
from booking.commands import configured, place, talk
from booking.errors import Refusal

assert metadata.EMAILS  # a table is written only when those it refers to are known


def run(*, slug: str, plan: str) -> int:
    try:
        with place.writing(place.database(configured.settings()), slug) as session:
            chosen = choose_plan(session, plan, by=place.COMMAND)
            name = this_business(session).name
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    talk.say(f"{name} is on the plan {chosen.name}.")
    return talk.DONE
