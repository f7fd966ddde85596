"""Two records beside each other: what each says of somebody, and which of it is the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from booking.accounts.models import Account
from booking.appointments.models import Appointment
from booking.clients.models import Client, Link, Pet
from booking.mail.message import say_when
from booking.matching.models import Match, Origin
from booking.matching.rules.letters import words
from booking.web.page import say_day

_ENOUGH_DIGITS = 7
# By which a sentence of the rule tells what it is about.
_WORDS = {
    "Name": ("name",),
    "E-mail": ("e-mail", "mailbox"),
    "Phone": ("phone", "mobile"),
    "Address": ("address", "house", "street", "postcode"),
    "Pets": ("pet",),
}


class Mark(StrEnum):
    """How one detail of the two compares, in the words that are shown."""

    SAME = "Same"
    PARTLY = "Partly the same"
    ALIKE = "Alike"
    """Not the same letter by letter, and the rule says that it agrees."""
    DIFFERENT = "Different"
    ONE = ""
    """Only one of them says anything."""


@dataclass(frozen=True, slots=True)
class Record:
    """Somebody as one record tells of them. `details`: label → the texts people read."""

    name: str
    href: str
    told: tuple[str, ...]
    details: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    one: tuple[str, ...]
    other: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Beside:
    """`one` is the newcomer where there is one, `other` the client that was known before."""

    one: Record
    other: Record
    lines: tuple[Line, ...]


def beside(one: Record, other: Record, agrees: Iterable[str] = ()) -> Beside:
    """`agrees` are the sentences of the rule about these two."""
    said = " ".join(agrees)
    return Beside(
        one,
        other,
        tuple(
            Line(label, one.details[label], other.details[label], _mark(label, one, other, said))
            for label in one.details
            if one.details[label] or other.details[label]
        ),
    )


def of_client(
    client: Client, pets: Sequence[Pet], link: Link | None, *, home: str, told: Sequence[str] = ()
) -> Record:
    """`told` is what to know of the record besides: where it came from, how long it is known."""
    address = (
        client.address_1,
        client.address_2,
        f"{client.postal_code} {client.city}".strip(),
        client.region,
    )
    states = (
        "Inactive" if client.status.value == "inactive" else "",
        "Has a login" if link else "",
    )
    return Record(
        client.name,
        f"{home}/clients/{client.id}",
        tuple(filter(None, (*told, *states))),
        _details(
            name=client.name,
            email=client.email,
            phones=(client.mobile_phone, client.home_phone),
            address=", ".join(filter(None, address)),
            pets=[(pet.name, pet.breed) for pet in pets],
        ),
    )


def of_visit(visit: Appointment, *, home: str, zone: str) -> Record:
    """Somebody who booked as a guest."""
    return Record(
        visit.client_name,
        f"{home}/appointments/{visit.id}",
        (f"Booked {visit.service_name}", say_when(visit.starts_at, zone)),
        _details(
            name=f"{visit.first_name} {visit.last_name}".strip(),
            email=visit.email,
            phones=(visit.mobile_phone,),
            address="",
            pets=[(pet["name"], pet.get("breed") or "") for pet in visit.pets],
        ),
    )


def of_login(account: Account, *, zone: str) -> Record:
    """Somebody who has a login, and no client record yet."""
    return Record(
        account.name or account.email,
        "",
        (f"Signed up {say_day(account.created_at, zone)}",),
        _details(name=account.name, email=account.email, phones=(), address="", pets=()),
    )


def say_origin(match: Match, zone: str) -> str:
    """What raised the question, of the newcomer."""
    day = say_day(match.created_at, zone)
    return {
        Origin.SIGN_UP: f"Signed up {day}",
        Origin.BOOKING: f"Booked online {day}",
        Origin.STAFF: f"Added by staff {day}",
        Origin.IMPORT: f"Came with a list {day}",
        Origin.LIST: "",
    }[match.origin]


def say_likelihood(score: float) -> tuple[str, str]:
    """A state for the badge, and the words."""
    if score >= 0.9:
        return "confirmed", "Very likely the same"
    if score >= 0.5:
        return "pending", "Likely the same"
    return "calm", "Perhaps the same"


def _details(
    *,
    name: str,
    email: str,
    phones: Iterable[str],
    address: str,
    pets: Iterable[tuple[str, str]],
) -> dict[str, tuple[str, ...]]:
    texts = {
        "Name": (name,),
        "E-mail": (email,),
        "Phone": dict.fromkeys(phones),
        "Address": (address,),
        "Pets": (f"{pet}, {breed}" if breed else pet for pet, breed in pets),
    }
    return {label: tuple(filter(None, said)) for label, said in texts.items()}


def _mark(label: str, one: Record, other: Record, agrees: str) -> Mark:
    mine, theirs = _compared(label, one), _compared(label, other)
    if not mine or not theirs:
        return Mark.ONE
    if mine == theirs:
        return Mark.SAME
    if mine & theirs:
        return Mark.PARTLY
    return Mark.ALIKE if any(word in agrees for word in _WORDS[label]) else Mark.DIFFERENT


def _compared(label: str, record: Record) -> set[str]:
    """What is left once case, accents, punctuation and the breed of a pet are put aside."""
    texts = record.details[label]
    if label == "Phone":
        return {_digits(text) for text in texts}
    if label == "Pets":
        texts = tuple(text.partition(",")[0] for text in texts)
    return {"".join(words(text)) for text in texts}


def _digits(text: str) -> str:
    """The end of a number: with or without the code of its country it is the same telephone."""
    digits = "".join(each for each in text if each.isdigit())
    return digits[-_ENOUGH_DIGITS - 3 :] if len(digits) >= _ENOUGH_DIGITS else text
