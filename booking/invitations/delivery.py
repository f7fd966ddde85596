"""The envelope's round: for each business claim, commit, send each once, mark them."""

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy.orm import Session

from booking import clock
from booking.config import Settings
from booking.database import Database, set_business
from booking.invitations.actions import sending
from booking.invitations.actions.sending import Claimed
from booking.invitations.emails import ClientInvitation, list_headers, own_values
from booking.mail.delivery import BATCH, never, write_down
from booking.mail.form_letter import FormLetter, Reader
from booking.mail.message import Envelope, Links, compose
from booking.mail.transports import Outcome, Stage, Transport
from booking.mail.wording import plain_name

_LOOK_AGAIN_AFTER = timedelta(seconds=5)
_CLAIM = 200


def send_due(database: Database, transport: Transport, is_over: Callable[[], bool] = never) -> int:
    """Sends what is due until nothing is; returns how many attempts were made.

    Businesses take turns, a claim each. Of a claim one small batch is begun at a time: only its
    messages can arrive twice when this process is killed. No transaction is open while the mail
    server is spoken to.
    """
    letters = Letters(database.settings)
    attempts = 0
    goes_on = True
    while goes_on and not is_over() and (waiting := _due_businesses(database)):
        looked_at = clock.now()
        took_any = False
        while waiting and goes_on and clock.now() - looked_at < _LOOK_AGAIN_AFTER:
            if is_over():
                break
            turn = _Turn(database, transport, letters, waiting.pop(0), is_over)
            goes_on = turn.take()
            attempts += turn.attempts
            if turn.taken:
                took_any = True
                waiting.append(turn.business_id)
        if not took_any:
            break
    return attempts


def _due_businesses(database: Database) -> list[uuid.UUID]:
    with database.reading() as session:
        return sending.due_businesses(session)


@dataclass(slots=True)
class Letters:
    """The invitation as each business writes it, rendered once for as long as a round lasts."""

    settings: Settings
    _known: dict[ClientInvitation, dict[frozenset[str], FormLetter]] = field(default_factory=dict)
    _latest: tuple[ClientInvitation, dict[frozenset[str], FormLetter]] | None = None

    def envelope(self, one: Claimed) -> Envelope:
        """Raises ValueError, or whatever rendering raises, for one that can't be written."""
        if not one.to_email.isascii():
            return compose(
                one.email,
                to=one.to_email,
                row_id=one.id,
                written_at=one.written_at,
                settings=self.settings,
            )
        links, name = Links(self.settings), plain_name(one.first_name)
        values = own_values(links, one.id, one.generation, name)
        filled = frozenset(name for name, value in values.items() if value)
        return self._form(one.letter, filled).written_for(
            Reader(
                to=one.to_email,
                row_id=one.id,
                edition=one.generation,
                written_at=one.written_at,
                values=values,
                headers=list_headers(values["unsubscribe_url"]),
            )
        )

    def _form(self, letter: ClientInvitation, gaps: frozenset[str]) -> FormLetter:
        """All of a claim hold the very same letter: it need not be compared for each of them."""
        if self._latest is None or self._latest[0] is not letter:
            self._latest = letter, self._known.setdefault(letter, {})
        forms = self._latest[1]
        if gaps not in forms:
            forms[gaps] = FormLetter(letter, gaps, self.settings)
        return forms[gaps]


@dataclass(slots=True)
class _Turn:
    """One claim of one business. `taken` counts rows, `attempts` the messages tried."""

    database: Database
    transport: Transport
    letters: Letters
    business_id: uuid.UUID
    is_over: Callable[[], bool]
    taken: int = 0
    attempts: int = 0
    _waiting: Sequence[Claimed] = ()
    _told: list[tuple[Claimed, Outcome]] = field(default_factory=list)
    _untried: Sequence[Claimed] = ()

    def take(self) -> bool:
        """Whether it makes sense to go on, with this business or another."""
        with self.database.writing() as session:
            set_business(session, self.business_id)
            batch = sending.claim(session, _CLAIM)
            self.taken, self._waiting = batch.taken, batch.claimed
            begun = self._begin(session)
            if not begun:
                sending.give_back(session, self._waiting)
        goes_on = True
        while begun:
            goes_on = self._send(begun)
            begun = self._mark_and_begin(goes_on=goes_on)
        return goes_on

    def _mark_and_begin(self, *, goes_on: bool) -> list[Claimed]:
        """What became of the last few, and the next few, in one commit."""
        waiting = self._waiting

        def act(session: Session) -> list[Claimed]:
            self._waiting = waiting
            set_business(session, self.business_id)
            sending.mark(session, self._told)
            sending.untried(session, self._untried)
            begun = self._begin(session) if goes_on else []
            if not begun:
                sending.give_back(session, self._waiting)
            return begun

        begun = write_down(self.database, act)
        self._told, self._untried = [], ()
        return begun

    def _begin(self, session: Session) -> list[Claimed]:
        """The next few that may be sent; none when all are done or it is time to stop."""
        while self._waiting and self._may_begin(self._waiting[0]):
            few = _alike(self._waiting[:BATCH])
            self._waiting = self._waiting[len(few) :]
            begun = sending.begin(session, few)
            sending.give_back(session, [one for one in few if one not in begun])
            if begun:
                return begun
        return []

    def _send(self, begun: Sequence[Claimed]) -> bool:
        written: list[Claimed] = []
        envelopes = self._envelopes(begun, written)
        outcomes = list(self.transport.send_many(envelopes, lambda: self._may_begin(begun[0])))
        self._told += zip(written, outcomes, strict=False)
        tried = {one.id for one, _ in self._told}
        self._untried = [one for one in begun if one.id not in tried]
        self.attempts += len(self._told)
        return not any(each.stage is Stage.UNREACHABLE for each in outcomes)

    def _envelopes(self, begun: Sequence[Claimed], written: list[Claimed]) -> Iterator[Envelope]:
        """One by one, as they are asked for; `written` tells whose."""
        for one in begun:
            try:
                envelope = self.letters.envelope(one)
                if one.was_uncertain:
                    envelope = replace(envelope, is_repeat=True)
            except Exception as error:  # noqa: BLE001 - a poison row fails alone, whatever is wrong
                words = f"could not be written: {type(error).__name__}"
                self._told.append((one, Outcome(Stage.REFUSED, None, words)))
            else:
                written.append(one)
                yield envelope

    def _may_begin(self, one: Claimed) -> bool:
        return not self.is_over() and clock.now() < one.stale_at


def _alike(few: Sequence[Claimed]) -> list[Claimed]:
    """The first of them: a mail server takes together only addresses that are all plain ASCII, and
    what may have arrived already is sent by itself."""
    kind = _kind(few[0])
    return list(itertools.takewhile(lambda one: _kind(one) == kind, few))


def _kind(one: Claimed) -> tuple[bool, bool]:
    return one.to_email.isascii(), one.was_uncertain
