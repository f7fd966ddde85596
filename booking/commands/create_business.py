"""`booking create-business`: open a business and its first owner's login."""

import getpass
import sys

from booking.accounts import passwords, rules
from booking.accounts.queries import find_account
from booking.businesses.actions import opening
from booking.commands import configured, place, talk
from booking.database import Database
from booking.errors import Refusal


def run(*, slug: str, name: str, timezone: str, owner_email: str) -> int:
    try:
        settings = configured.settings()
        database = place.database(settings)
        password_hash = None
        if not _has_login(database, owner_email):
            password = _password()
            minimum = rules.staff_minimum(second_factor=False)
            passwords.check_new(password, minimum=minimum, context=(name, owner_email, slug))
            password_hash = passwords.hash_now(settings, password)
        new = opening.NewBusiness(slug=slug, name=name, timezone=timezone, owner_email=owner_email)
        with database.writing() as session:
            opening.create_business(session, new, password_hash=password_hash, by=place.COMMAND)
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    talk.say(f"{name} is open: {settings.public_url}/manage/{slug}")
    return talk.DONE


def _has_login(database: Database, email: str) -> bool:
    """An owner of another business here keeps the password they have."""
    with database.reading() as session:
        return find_account(session, business_id=None, email_key=rules.email_key(email)) is not None


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass("Password for the owner (at least 15 characters): ")
