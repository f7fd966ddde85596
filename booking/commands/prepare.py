"""What `booking up` has done before anybody is let in: the database, and the demo salon. Says where
to go; in a process of its own, so that the web server gets ready meanwhile."""

import sys

from booking import demo, household
from booking.commands import configured, migrate, place, talk
from booking.config import Settings


def prepare(settings: Settings, *, with_demo: bool) -> None:
    migrate.upgrade(settings)
    database = place.database(settings)
    if with_demo:
        demo.open_if_empty(database)
    site = settings.public_url
    for salon in demo.salons(database):
        talk.say(f"Booking site:   {site}/{salon.slug}")
        talk.say(f"Manage Site:    {site}/manage/{salon.slug}")
        if salon.owner_email:
            talk.say(f"Owner e-mail: {salon.owner_email}")
            talk.say(f"Owner password: {salon.owner_password}")


if __name__ == "__main__":
    household.leave_with_parent()
    prepare(configured.settings(), with_demo="--demo" in sys.argv)
