"""One salon of its own for one run of the model: the front door, the mail, and the ledger beside
them. Everything the ledger says is compared with what the API says."""

from collections import Counter
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal

from booking.database import Database
from booking.invitations.actions import sending
from booking.rate_limit import Limiter
from tests.apps import Apps
from tests.databases import DatabaseKind, Databases, settings_for
from tests.front_door import Api, FrontDoor
from tests.invitations.ledger import REASONS, Account, Campaign, Ledger, Person, Row
from tests.mailbox import Mail, Mailbox
from tests.pages import Pages
from tests.processes import folder_of_its_own
from tests.returned import SECRET
from tests.site import Site
from tests.times import START, Clock
from tests.world import PASSWORD, World

CLIENTS, CAMPAIGNS = "/businesses/{b}/clients", "/businesses/{b}/campaigns"
INVITATIONS = "/businesses/{b}/invitations"
EVERYBODY = {"audience": "active_without_account"}
INVITATION, REMINDER = "Your online account is ready", "Your online account is waiting for you"
REMINDER_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Theatre:
    """What all runs share."""

    databases: Databases
    kind: DatabaseKind
    apps: Apps
    portal: BlockingPortal
    world: World
    clock: Clock

    def open(self) -> "Stage":
        return Stage(self)


class Stage:
    def __init__(self, theatre: Theatre) -> None:
        self.clock, self.world = theatre.clock, theatre.world
        self._ending = ExitStack()
        folder = self._ending.enter_context(folder_of_its_own())
        self.clock.set(START)
        settings = settings_for(
            folder,
            theatre.databases.copy(theatre.kind, folder),
            self.clock,
            rate_limits="off",
            mail_webhook_secret=SECRET,
        )
        app = theatre.apps.like(settings)
        self.clock.set_again()
        database = Database(settings)
        self._ending.callback(database.engine.dispose)
        app.state.settings, app.state.database = settings, database
        app.state.limiter = Limiter(settings)
        door = FrontDoor(app, theatre.portal)
        self.api, self.pages = Api(door, self.world), Pages(door, self.world)
        self.mailbox, self.site = Mailbox(database), Site(database, self.world)
        self.site.prefer("client_settings", self_registration="always")
        self.site.prefer("invitations", invite_reminder_days=3)
        self.ledger = Ledger()
        for known in (self.world.jo, self.world.sam, self.world.kim, self.world.pat):
            person = Person(str(known.id), known.email)
            if known.login is not None:
                self.ledger.accounts.append(Account(known.email, PASSWORD, known.login.token))
                self.ledger.grant(person, self.ledger.accounts[-1])
            self.ledger.people.append(person)

    def close(self) -> None:
        self._ending.close()

    # What people do.

    def staff(self, method: str, path: str, *expected: int, **given: Any) -> Any:
        answer = self.api.owner.request(method, path, **given)
        assert answer.status_code in (expected or (200, 201, 202)), answer.text
        return answer.json() if answer.content else None

    def accept(self, token: str, password: str, bearer: str | None = None) -> httpx.Response:
        body = {"password": password} if bearer is None else {}
        return self.api.bearing(bearer).post(f"/invitations/{token}/accept", json=body)

    def press(self, people: Collection[Person] | None = None) -> None:
        """Of everybody, or of those chosen: exactly those are on it who may be invited, and all
        others stand under one reason. While one for everybody goes on, it is that one."""
        ledger = self.ledger
        going_on = next(
            (each for each in ledger.campaigns if each.is_for_all and each.is_going_on), None
        )
        if people is None and going_on is not None:
            assert self.staff("POST", CAMPAIGNS, 200, json=EVERYBODY)["id"] == going_on.id
            return
        asked = ledger.people if people is None else people
        verdicts = {person: ledger.verdict(person) for person in asked}
        body = EVERYBODY if people is None else {"client_ids": [each.id for each in people]}
        told = self.staff("POST", CAMPAIGNS, 202, json=body)
        made = Campaign(told["id"], is_for_all=people is None)
        made.rows += [
            Row(each["id"], made, self.person(each["client"]["id"])) for each in self.rows_of(made)
        ]
        ledger.campaigns.append(made)
        invited = {person for person, verdict in verdicts.items() if verdict == "eligible"}
        assert len(made.rows) == len(invited) == told["recipients"]
        assert {row.person for row in made.rows} == invited
        reasons = Counter(verdicts.values())
        assert told["skipped"] == {reason: reasons[reason] for reason in REASONS}

    def rows_of(self, campaign: Campaign, **params: str) -> list[dict[str, Any]]:
        path = f"{CAMPAIGNS}/{campaign.id}/invitations"
        found: list[dict[str, Any]] = self.staff("GET", path, params={"limit": "200"} | params)[
            "items"
        ]
        return found

    def person(self, client_id: str) -> Person:
        return next(each for each in self.ledger.people if each.id == client_id)

    # What the worker does.

    def worker_sends(self, reminded: Collection[Row] = ()) -> None:
        """It writes to those who may be written to, once each, and skips the others with the
        reason. `reminded` were just now, and nobody else."""
        ledger = self.ledger
        due = ledger.due()
        verdicts = {row: ledger.verdict(row.person, in_hand=True) for row in due}
        letters, reminders = self._collected()
        assert {row_id: (mail.to, link_in(mail)) for row_id, mail in reminders.items()} == {
            row.id: (row.email, row.token) for row in reminded
        }
        assert {row_id: mail.to for row_id, mail in letters.items()} == {
            row.id: row.person.email for row in due if verdicts[row] == "eligible"
        }
        for row in due:
            row.lease_until = None
            if verdicts[row] != "eligible":
                row.state, row.reason = "skipped", verdicts[row]
                continue
            ledger.take(row)
            row.state, row.reason, row.sent_at = "sent", "", self.clock.now()
            letter = letters[row.id]
            row.token, row.message_id, row.stop = link_in(letter), letter.id, letter.link("/u/")
            assert ledger.links.setdefault(row.token, row) is row

    def _collected(self) -> tuple[dict[str, Mail], dict[str, Mail]]:
        """What just left, by its row: invitations and reminders, never two of a kind for one."""
        found: dict[str, dict[str, Mail]] = {subject: {} for subject in (INVITATION, REMINDER)}
        for mail in self.mailbox.collect():
            if mail.subject in found:
                row_id = mail.link("/u/").split("/")[2]
                assert row_id not in found[mail.subject], "written to twice"
                found[mail.subject][row_id] = mail
        return found[INVITATION], found[REMINDER]

    def worker_dies(self) -> None:
        """It takes all that is due and is killed before a byte has left."""
        ledger = self.ledger
        due = ledger.due()
        verdicts = {row: ledger.verdict(row.person, in_hand=True) for row in due}
        with self.site.writing() as session:
            begun = sending.begin(session, sending.claim(session, 200).claimed)
        assert {str(one.id) for one in begun} == {
            row.id for row in due if verdicts[row] == "eligible"
        }
        for row in due:
            if verdicts[row] != "eligible":
                row.state, row.reason, row.lease_until = "skipped", verdicts[row], None
                continue
            ledger.take(row)
            row.state, row.lease_until = "sending", begun[0].lease_until

    def worker_tends(self) -> None:
        """Held campaigns are settled, and whoever has not accepted is reminded, once."""
        self.ledger.settle()
        due = self.ledger.reminded_now(REMINDER_AFTER)
        self.mailbox.tend()
        for row in due:
            row.reminded_at = self.clock.now()
        self.worker_sends(due)

    # What merges do.

    def see_what_became_of(self, keep: Person, other: Person) -> None:
        """Their invitations are with those records that are there. What a merge leaves of each is
        seen rather than foretold; a link that opens must be of the address the record has now."""
        ledger = self.ledger
        for campaign in ledger.campaigns:
            told = {row["id"]: row for row in self.rows_of(campaign)}
            every = campaign.rows + campaign.merged_away
            campaign.rows = [row for row in every if row.id in told]
            campaign.merged_away = [row for row in every if row.id not in told]
            assert set(told) == {row.id for row in campaign.rows}
            for row in campaign.rows:
                if row.person in (keep, other):
                    row.person = self.person(told[row.id]["client"]["id"])
                    row.state = told[row.id]["state"].replace("expired", "sent")
                    row.reason = told[row.id]["reason"]
        for person in ledger.people:
            if person in (keep, other):
                self.see_what_is_open(person, anew=True)

    def see_what_is_open(self, person: Person, *, anew: bool = False) -> None:
        """Of several links of one record at most one opens after a merge."""
        is_hidden = person.blocked or person.status != "active"
        for row in self.ledger.of(person):
            if row.token and (anew or row.is_doubtful) and not row.is_accepted:
                row.is_doubtful = is_hidden
                is_open = self.where(row.token) == "open"
                assert not is_open or row.key == person.key, "the mailbox of another address"
                row.epoch = person.epoch if is_open else None

    def see_who_is_back(self, keep: Person, other: Person) -> None:
        ledger = self.ledger
        ledger.people = sorted([*ledger.people, other], key=lambda person: person.place)
        for person in (keep, other):
            told = self.staff("GET", f"{CLIENTS}/{person.id}")
            person.email, person.status, person.blocked = (
                told[name] for name in ("email", "status", "blocked")
            )
            person.renew()
        had = {person: person.login for person in (keep, other)}
        keep.login = other.login = None
        hidden = []
        for account in ledger.accounts:
            told = self.seen_by(account)
            seen = {each["id"] for each in told.get("clients", [])}
            hidden += [] if told else [account]
            for person in (keep, other):
                if person.id in seen:
                    person.login = account
        for person in (keep, other):
            if person.login is None and self.is_linked(person):
                known = [account for account in hidden if (person, account) in ledger.granted]
                person.login = had[person] if had[person] in known else known[0]
            assert person.login is None or (person, person.login) in ledger.granted

    def is_linked(self, person: Person) -> bool:
        told = self.staff("GET", f"{CLIENTS}/{person.id}")
        return bool(told["account"]["linked"])

    def with_the_switch_at_no(self) -> None:
        """Nothing leaves, nobody signs in or up, no link opens; at YES all goes on."""
        self.site.allow_client_access(False)
        ledger = self.ledger
        for campaign in ledger.campaigns:
            if campaign.is_going_on:
                told = self.staff("GET", f"{CAMPAIGNS}/{campaign.id}")
                assert told["state"] == "paused"
                assert told["paused_because"]
        assert not any(mail.subject in (INVITATION, REMINDER) for mail in self.mailbox.collect())
        assert self.staff("POST", CAMPAIGNS, 409, json=EVERYBODY)["code"] == "client_access_off"
        for token in ledger.links:
            assert self.where(token) == "client_access_off"
        for account in ledger.accounts:
            answer = self.api.bearing(account.token).get("/businesses/{b}/me")
            assert answer.status_code in (401, 409)
        self.site.allow_client_access(True)

    def latest(self, address: str, prefix: str) -> Mail:
        """The newest mail to them with such a link, of those that have arrived."""
        return next(
            mail
            for mail in reversed(self.mailbox.seen)
            if mail.to.lower() == address and any(prefix in link for link in mail.links)
        )

    def reason_of(self, row: Row) -> str:
        told = next(each for each in self.rows_of(row.campaign) if each["id"] == row.id)
        assert told["reason"]
        return str(told["reason"])

    # What must be so.

    def compare(self) -> None:
        """Everybody counts once; each row in one state, with the reason; and no login sees more or
        less than is theirs."""
        ledger = self.ledger
        told = self.staff("GET", f"{INVITATIONS}/preview")
        expected = ledger.preview()
        assert told["recipients"] == expected["eligible"]
        assert told["skipped"] == {reason: expected[reason] for reason in REASONS}
        assert told["recipients"] + sum(told["skipped"].values()) == len(ledger.people)
        listed = {each["id"]: each for each in self.staff("GET", CAMPAIGNS)["items"]}
        assert set(listed) == {campaign.id for campaign in ledger.campaigns}
        for campaign in ledger.campaigns:
            self._compare_campaign(campaign, listed[campaign.id])
        for account in ledger.accounts:
            self._compare_login(account)

    def _compare_campaign(self, campaign: Campaign, told: dict[str, Any]) -> None:
        rows = {row["id"]: row for row in self.rows_of(campaign)}
        assert {
            row_id: (row["state"], row["reason"], row["client"]["id"])
            for row_id, row in rows.items()
        } == {row.id: (row.shown, row.reason, row.person.id) for row in campaign.rows}
        assert told["state"] == campaign.state
        counts = Counter(row.shown for row in campaign.rows)
        assert {state: count for state, count in told["counts"].items() if count} == counts
        assert all(row.reason for row in campaign.rows if row.state in ("skipped", "revoked"))

    def _compare_login(self, account: Account) -> None:
        told = self.seen_by(account)
        assert bool(told) is self.ledger.may_sign_in(account)
        if not told:
            return
        for name, expected in (
            ("clients", self.ledger.linked(account)),
            ("candidates", self.ledger.candidates(account)),
        ):
            assert {each["id"] for each in told[name]} == {each.id for each in expected}
        assert told["account"]["email"].lower() == account.key

    def seen_by(self, account: Account) -> dict[str, Any]:
        """With the latest session, or a new one by the password where that has ended; nothing where
        they may not sign in any more."""
        path = "/businesses/{b}/me"
        answer = self.api.bearing(account.token).get(path)
        if answer.status_code == 401:
            sent = {"email": account.key, "password": account.password}
            signed_in = self.api.visitor.post("/businesses/{b}/sessions", json=sent)
            if signed_in.status_code == 403:
                return {}
            assert signed_in.status_code == 201, signed_in.text
            account.token = signed_in.json()["token"]
            answer = self.api.bearing(account.token).get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def look_at_every_link(self) -> None:
        """Each leads where the ledger says: to that client's invitation, or nowhere, and why."""
        for token, row in self.ledger.links.items():
            if not row.is_doubtful:
                assert self.where(token) == self.ledger.leads_to(token)

    def where(self, token: str) -> str:
        answer = self.api.visitor.get(f"/invitations/{token}")
        return "open" if answer.status_code == 200 else str(answer.json()["code"])


def link_in(mail: Mail) -> str:
    return mail.link("/i/").removeprefix("/i/")
