"""What staff do in a run of the model: they edit, merge and undo, invite and hold back."""

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.front_door import problem_of
from tests.invitations.ledger import Ledger, Person, Row, key_of
from tests.invitations.stage import CAMPAIGNS, CLIENTS, INVITATIONS, Stage, Theatre
from tests.merges.merging import MERGES

PRIVATE = ("ann@example.com", "ben@example.com", "cat@example.com")
EMAILS = (*PRIVATE, "Ann@Example.com", "", "no address")
MOST_PEOPLE = 9
Thing = TypeVar("Thing")


class Staff(RuleBasedStateMachine):
    theatre: Theatre

    def __init__(self) -> None:
        super().__init__()
        self.stage: Stage = self.theatre.open()
        self.ledger: Ledger = self.stage.ledger
        self.merges: list[tuple[str, list[Person]]] = []

    def teardown(self) -> None:
        self.stage.close()

    def _one(self, data: st.DataObject, things: Sequence[Thing]) -> Thing:
        return data.draw(st.sampled_from(things))

    @rule(email=st.sampled_from(EMAILS))
    def staff_add_a_client(self, email: str) -> None:
        if len(self.ledger.people) < MOST_PEOPLE:
            body = {"first_name": "P", "email": email}
            self.ledger.people.append(
                Person(self.stage.staff("POST", CLIENTS, json=body)["id"], email)
            )

    @rule(data=st.data(), email=st.sampled_from(EMAILS))
    def staff_move_an_address(self, data: st.DataObject, email: str) -> None:
        self._change(self._one(data, self.ledger.people), email=email)

    @rule(data=st.data(), said=st.sampled_from([{"status": "inactive"}, {"blocked": True}]))
    def staff_let_a_client_go(self, data: st.DataObject, said: dict[str, Any]) -> None:
        self._change(self._one(data, self.ledger.people), **said)

    @rule(data=st.data())
    def staff_take_a_client_back(self, data: st.DataObject) -> None:
        gone = [each for each in self.ledger.people if each.blocked or each.status != "active"]
        if gone:
            back = self._one(data, gone)
            self._change(back, status="active", blocked=False)
            self.stage.see_what_is_open(back)

    def _change(self, person: Person, **said: Any) -> None:
        self.stage.staff("PATCH", f"{CLIENTS}/{person.id}", json=said)
        person.change(**said)

    @rule()
    def staff_press_the_envelope(self) -> None:
        self.stage.press()

    @rule(data=st.data())
    def staff_invite_some(self, data: st.DataObject) -> None:
        some = st.lists(st.sampled_from(self.ledger.people), min_size=1, max_size=3, unique=True)
        self.stage.press(data.draw(some))

    @precondition(lambda self: self.ledger.campaigns)
    @rule(data=st.data(), what=st.sampled_from(["pause", "resume", "resume", "cancel"]))
    def staff_hold_a_campaign(self, data: st.DataObject, what: str) -> None:
        campaign = self._one(data, self.ledger.campaigns)
        hold = {"pause": "paused", "resume": "open", "cancel": "cancelled"}[what]
        is_over = campaign.state in ("finished", "cancelled") and campaign.hold != hold
        self.stage.staff("POST", f"{CAMPAIGNS}/{campaign.id}/{what}", 409 if is_over else 200)
        if is_over or campaign.hold == hold:
            return
        if what == "cancel":
            self.ledger.cancel(campaign)
        campaign.hold = hold

    @precondition(lambda self: self.ledger.rows)
    @rule(data=st.data())
    def staff_send_one_again(self, data: st.DataObject) -> None:
        row = self._one(data, self.ledger.rows)
        refused = self._not_again(row)
        path = f"{INVITATIONS}/{row.id}/resend"
        told = self.stage.staff("POST", path, 410 if refused == "used" else 409 if refused else 200)
        if refused:
            assert told["code"] == refused
            return
        self._again(row)

    def _not_again(self, row: Row) -> str:
        verdict = self.ledger.verdict(row.person)
        if row.is_accepted:
            return "used"
        if row.is_open:
            return "too_soon"
        if row.campaign.hold == "cancelled":
            return "not_eligible"
        if verdict in ("recently_invited", "invited_too_often"):
            return "too_soon"
        return "" if verdict == "eligible" else "not_eligible"

    def _again(self, row: Row) -> None:
        if row.token:
            self.ledger.retired[row.token] = row.expires_at
        row.state, row.reason, row.token, row.generation = "queued", "", "", row.generation + 1
        row.sent_at = row.expires_at = row.lease_until = None

    @precondition(lambda self: self.ledger.rows)
    @rule(data=st.data())
    def staff_take_one_back(self, data: st.DataObject) -> None:
        row = self._one(data, self.ledger.rows)
        path = f"{INVITATIONS}/{row.id}/revoke"
        told = self.stage.staff("POST", path, 410 if row.is_accepted else 200)
        if not row.is_accepted:
            row.state, row.reason = told["state"], told["reason"]
            assert row.state == "revoked"

    @rule(data=st.data())
    def staff_link_a_login(self, data: st.DataObject) -> None:
        person, account = self._one(data, self.ledger.people), self._one(data, self.ledger.accounts)
        is_taken = person.login not in (None, account)
        body = {"email": account.key}
        self.stage.staff(
            "PUT", f"{CLIENTS}/{person.id}/account", 409 if is_taken else 200, json=body
        )
        if not is_taken:
            self.ledger.grant(person, account)

    @rule(data=st.data())
    def staff_take_a_login_away(self, data: st.DataObject) -> None:
        person = self._one(data, self.ledger.people)
        self.stage.staff("DELETE", f"{CLIENTS}/{person.id}/account", 204)
        person.login = None

    @precondition(lambda self: len(self.ledger.people) > 1)
    @rule(data=st.data())
    def staff_merge_two(self, data: st.DataObject) -> None:
        two = st.lists(st.sampled_from(self.ledger.people), min_size=2, max_size=2, unique=True)
        keep, other = data.draw(two)
        body: dict[str, Any] = {"keep": keep.id, "merge": [other.id]}
        named = data.draw(st.sampled_from([None, keep, other]))
        if named is not None:
            body["fields"] = {"email": named.id}
        logins = [each for each in (keep.login, other.login) if each is not None]
        stays = data.draw(st.sampled_from(logins)) if logins else None
        if stays is not None:
            preview = self.stage.staff("POST", f"{MERGES}/preview", 200, json=body)
            body["login"] = next(
                each["account_id"]
                for each in preview["logins"]
                if key_of(each["email"]) == stays.key
            )
        told = self.stage.staff("POST", MERGES, json=body)
        self.merges.append((told["id"], [keep, other]))
        self.ledger.people.remove(other)
        keep.login = other.login = None
        if stays is not None:
            self.ledger.grant(keep, stays)
        kept = told["kept"]
        expected = named.email if named else keep.email or other.email
        assert kept["email"] == expected
        keep.change(email=kept["email"], status=kept["status"], blocked=kept["blocked"])
        self.stage.see_what_became_of(keep, other)

    @precondition(lambda self: self.merges)
    @rule(data=st.data(), decision=st.sampled_from(["keep", "restore"]))
    def staff_undo_a_merge(self, data: st.DataObject, decision: str) -> None:
        merge_id, (keep, other) = self._one(data, self.merges)
        path = f"{MERGES}/{merge_id}/undo"
        answer = self.stage.api.owner.post(path, json={"decisions": {}})
        if answer.status_code == 409 and answer.json()["code"] == "undo_conflicts":
            keys = [each["key"] for each in answer.json()["conflicts"]]
            decisions = dict.fromkeys(keys, decision)
            answer = self.stage.api.owner.post(path, json={"decisions": decisions})
        if answer.status_code != 200:
            problem_of(answer, 409)
            return
        self.merges.remove((merge_id, [keep, other]))
        self.stage.see_who_is_back(keep, other)
        self.stage.see_what_became_of(keep, other)
