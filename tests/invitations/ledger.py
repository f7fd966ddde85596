"""What must hold of the envelope, kept beside the product in plain Python: no table and no SQL.

The rules are those of the contract, worked out anew: who is invited and why everybody else is not,
where a link leads, which login may act for whom.
"""

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from booking import clock

BEFORE = ("queued", "uncertain")
OPEN = (*BEFORE, "sending")
REASONS = (
    "inactive", "blocked", "has_account", "no_email", "invalid_email", "suppressed",
    "shared_email", "recently_invited", "invited_too_often",
)  # fmt: skip
WEIGHTS = ("", "bounced", "unsubscribed", "complained")
RESEND_AFTER = timedelta(hours=24)
MOST = 3
DAYS = timedelta(days=14)
FIRST_BOUNCES = 5
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]+")
_epochs, _places = itertools.count(1), itertools.count(1)


def key_of(email: str) -> str | None:
    return email.lower() if _ADDRESS.fullmatch(email.lower()) else None


@dataclass(eq=False)
class Account:
    """A login. `token` is of its latest session."""

    key: str
    password: str
    token: str


@dataclass(eq=False)
class Person:
    """A client's record. `epoch` is another one after each change that kills what was mailed."""

    id: str = field(repr=False)
    email: str
    status: str = "active"
    blocked: bool = False
    login: Account | None = None
    place: int = field(default_factory=lambda: next(_places), repr=False)
    epoch: int = field(default_factory=lambda: next(_epochs), repr=False)

    @property
    def key(self) -> str | None:
        return key_of(self.email)

    def change(self, **said: object) -> None:
        key, status = self.key, self.status
        for name, value in said.items():
            setattr(self, name, value)
        if self.key != key or self.key is None or (self.status, status) == ("inactive", "active"):
            self.renew()

    def renew(self) -> None:
        self.epoch = next(_epochs)


@dataclass(eq=False)
class Row:
    """One invitation; `token` and `message_id` are of its latest copy, `stop` is where its mails
    are stopped. `is_doubtful`: a merge moved it and nobody could see yet where its link leads."""

    id: str = field(repr=False)
    campaign: "Campaign" = field(repr=False)
    person: Person
    state: str = "queued"
    reason: str = ""
    generation: int = 0
    email: str = ""
    epoch: int | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    message_id: str = field(default="", repr=False)
    stop: str = field(default="", repr=False)
    sent_at: datetime | None = field(default=None, repr=False)
    expires_at: datetime | None = field(default=None, repr=False)
    lease_until: datetime | None = field(default=None, repr=False)
    reminded_at: datetime | None = field(default=None, repr=False)
    is_accepted: bool = False
    is_doubtful: bool = False

    @property
    def key(self) -> str | None:
        return key_of(self.email)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def shown(self) -> str:
        """`expired` is a sent one whose days are over."""
        ran_out = self.expires_at is not None and self.expires_at <= clock.now()
        return "expired" if self.state == "sent" and ran_out else self.state

    def is_in_hand(self) -> bool:
        return self.lease_until is not None and self.lease_until > clock.now()


@dataclass(eq=False)
class Campaign:
    id: str = field(repr=False)
    is_for_all: bool
    hold: str = "open"
    is_alarmed: bool = False
    rows: list[Row] = field(default_factory=list, repr=False)
    merged_away: list[Row] = field(default_factory=list, repr=False)

    @property
    def is_open(self) -> bool:
        return any(row.is_open for row in self.rows)

    @property
    def is_going_on(self) -> bool:
        return self.hold != "cancelled" and self.is_open

    @property
    def state(self) -> str:
        if self.hold == "cancelled":
            return "cancelled"
        if not self.is_open:
            return "finished"
        if self.hold == "paused":
            return "paused"
        return "sending" if any(row.sent_at for row in self.rows) else "queued"


@dataclass
class Ledger:
    """`people` in the order in which they were added; `retired` are links a newer one replaced,
    with the end of their days; `links` every link that was mailed. `granted`: whom a login was ever
    proved or chosen for."""

    people: list[Person] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    suppressed: dict[str, str] = field(default_factory=dict)
    links: dict[str, Row] = field(default_factory=dict)
    retired: dict[str, datetime | None] = field(default_factory=dict)
    granted: set[tuple[Person, Account]] = field(default_factory=set)

    @property
    def rows(self) -> list[Row]:
        return [row for campaign in self.campaigns for row in campaign.rows]

    def of(self, person: Person) -> list[Row]:
        return [row for row in self.rows if row.person is person]

    def account_at(self, key: str | None) -> Account | None:
        return next((each for each in self.accounts if each.key == key), None)

    def grant(self, person: Person, account: Account) -> None:
        person.login = account
        self.granted.add((person, account))

    def linked(self, account: Account) -> list[Person]:
        return [each for each in self.people if each.login is account]

    def may_sign_in(self, account: Account) -> bool:
        """Not one all of whose records are those of former clients."""
        theirs = self.linked(account)
        return not theirs or any(each.status == "active" for each in theirs)

    def candidates(self, account: Account) -> list[Person]:
        """Whom this login may choose: active records of its own address that nobody has."""
        return [
            each
            for each in self.people
            if each.key == account.key and each.status == "active" and each.login is None
        ]

    def verdict(self, person: Person, *, in_hand: bool = False) -> str:
        """`eligible`, or the first reason not to. `in_hand`: for a row that is queued already."""
        key = person.key
        applies = {
            "inactive": person.status != "active",
            "blocked": person.blocked,
            "has_account": person.login is not None or self.account_at(key) is not None,
            "no_email": person.email == "",
            "invalid_email": key is None,
            "suppressed": key in self.suppressed,
            "shared_email": self._is_shared(person),
            "recently_invited": self._was_mailed_lately(key)
            or (not in_hand and any(row.is_open for row in self.of(person))),
            "invited_too_often": self._times(person) >= MOST,
        }
        return next((reason for reason in REASONS if applies[reason]), "eligible")

    def _is_shared(self, person: Person) -> bool:
        older = self.people[: self.people.index(person)]
        return any(
            each.key == person.key
            and each.status == "active"
            and not each.blocked
            and each.login is None
            for each in older
        )

    def _was_mailed_lately(self, key: str | None) -> bool:
        since = clock.now() - RESEND_AFTER
        return any(
            at is not None and at > since
            for row in self.rows
            if row.key == key
            for at in (row.sent_at, row.reminded_at)
        )

    def _times(self, person: Person) -> int:
        return sum(row.generation + 1 for row in self.of(person) if row.sent_at is not None)

    def preview(self) -> dict[str, int]:
        return Counter(self.verdict(person) for person in self.people)

    def leads_to(self, token: str) -> str:
        """Where a link leads: `open`, or why nowhere."""
        if token in self.retired:
            end = self.retired[token]
            return "expired" if end is not None and end <= clock.now() else "replaced"
        row = self.links[token]
        if row.is_accepted:
            return "used"
        if row.expires_at is None or row.expires_at <= clock.now():
            return "expired"
        person = row.person
        is_dead = row.state == "revoked" or row.epoch != person.epoch
        return "revoked" if is_dead or person.status != "active" or person.blocked else "open"

    def take(self, row: Row) -> None:
        """A worker has it in hand: it is bound to the address there is now."""
        row.email, row.epoch = row.person.email, row.person.epoch
        row.expires_at = row.expires_at or clock.now() + DAYS

    def due(self) -> list[Row]:
        """What a worker takes now."""
        return [
            row
            for row in self.rows
            if row.is_open and row.campaign.hold == "open" and not row.is_in_hand()
        ]

    def settle(self) -> None:
        """Of a campaign that is held: what no worker has in hand any more."""
        for row in self.rows:
            is_left = row.state == "sending" and not row.is_in_hand()
            if row.campaign.hold == "paused" and is_left:
                row.state, row.lease_until = "uncertain", None
            elif row.campaign.hold == "cancelled" and (is_left or row.state in BEFORE):
                self.skip_cancelled(row)

    def cancel(self, campaign: Campaign) -> None:
        campaign.hold = "cancelled"
        for row in campaign.rows:
            if row.state in BEFORE or (row.state == "sending" and not row.is_in_hand()):
                self.skip_cancelled(row)

    def skip_cancelled(self, row: Row) -> None:
        row.reason = "cancelled" if row.state == "queued" else "cancelled_in_flight"
        row.state, row.lease_until = "skipped", None

    def reminded_now(self, after: timedelta) -> list[Row]:
        """Who gets the one second e-mail now."""
        return [row for row in self.rows if self._may_be_reminded(row, after)]

    def _may_be_reminded(self, row: Row, after: timedelta) -> bool:
        if row.state != "sent" or row.sent_at is None or row.reminded_at is not None:
            return False
        sent_at, now = row.sent_at, clock.now()
        is_time = sent_at <= now - after and row.expires_at is not None and row.expires_at > now
        again = any(
            other is not row
            and any(at and at > sent_at for at in (other.sent_at, other.reminded_at))
            for other in self.of(row.person)
        )
        verdict = self.verdict(row.person, in_hand=True)
        return (
            is_time
            and not again
            and row.campaign.hold == "open"
            and row.epoch == row.person.epoch
            and verdict in ("eligible", "recently_invited", "invited_too_often")
        )

    def silence(self, key: str, reason: str) -> None:
        """A weightier reason takes the place of a lighter one."""
        if WEIGHTS.index(reason) > WEIGHTS.index(self.suppressed.get(key, "")):
            self.suppressed[key] = reason

    def bounced(self, row: Row) -> None:
        """Nobody has that address: it is written to no more, and a list full of them pauses."""
        assert row.key is not None
        row.state = "bounced"
        self.silence(row.key, "bounced")
        campaign = row.campaign
        back = [each for each in campaign.rows if each.state == "bounced"]
        if campaign.hold == "open" and not campaign.is_alarmed and len(back) > FIRST_BOUNCES:
            campaign.hold, campaign.is_alarmed = "paused", True
