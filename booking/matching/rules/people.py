"""A person as typed, and the normal form that is compared."""

from dataclasses import dataclass
from typing import NamedTuple

from booking.matching.rules.addresses import Address, address_of
from booking.matching.rules.emails import Email, emails_of
from booking.matching.rules.names import Name, name_of
from booking.matching.rules.pets import pet_names
from booking.matching.rules.phones import Phone, phones_of


@dataclass(frozen=True, slots=True)
class Pet:
    name: str
    breed: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """What may be known of somebody, as typed; what is not known is empty."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile_phone: str = ""
    home_phone: str = ""
    address_1: str = ""
    address_2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    pets: tuple[Pet, ...] = ()


class Profile(NamedTuple):
    """The normal form of a person; nothing in it hangs on case, accents or punctuation.

    `mobiles` are those of the `phones` that were typed as a mobile number: one person's own,
    where a number at home is the household's.
    """

    name: Name
    emails: tuple[Email, ...]
    phones: tuple[Phone, ...]
    mobiles: tuple[Phone, ...]
    address: Address
    pets: tuple[str, ...]


def profile(person: Person, *, country: str = "US") -> Profile:
    """`country` (ISO 3166, two letters) is where numbers without a country code are dialled."""
    mobile = phones_of(person.mobile_phone, country)
    home = phones_of(person.home_phone, country)
    return Profile(
        name=name_of(person.first_name, person.last_name),
        emails=emails_of(person.email),
        phones=tuple(dict.fromkeys(mobile + home)) if home else mobile,
        mobiles=mobile,
        address=address_of(person.address_1, person.address_2, person.city, person.postal_code),
        pets=pet_names(pet.name for pet in person.pets),
    )
