"""The table of jobs: name, how often, which verb. A job may run twice, on two machines, or after a
crash: what waits is a row that is due, and each row is claimed once."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from booking import clock, idempotency
from booking.accounts.actions import sign_in
from booking.appointments.actions import decide
from booking.billing import paying
from booking.billing.actions import events as payment_events
from booking.config import Settings
from booking.database import Database, across_businesses, set_business
from booking.imports.actions import applying, undoing
from booking.imports.actions.preparing import Preparer
from booking.invitations import delivery as envelope
from booking.invitations.actions import campaigns, coming_back
from booking.invitations.reminding import remind_due
from booking.licensing import queries as licensing
from booking.licensing.actions import send_temporary_number
from booking.mail import actions as mail
from booking.mail import bounces, postbox
from booking.mail import delivery as post
from booking.mail.transports import Transport, open_transport
from booking.matching import scanning
from booking.matching.actions import comparing
from booking.notices.actions import subscribing, telling
from booking.texts import actions as texts
from booking.texts import delivery as text_post
from booking.texts import transports as text_transports

_log = logging.getLogger(__name__)

SENT_MAIL_IS_KEPT = timedelta(days=30)

ENDING = threading.Event()
"""Set when this worker was asked to end: rounds finish the message or the chunk in hand."""

_TURN_SECONDS = 0.01
"""So long work in bulk stands back after each chunk. SQLite has one writer at a time, and whoever
waits looks again every five milliseconds: else a code would wait until a whole list is through."""


class Lane(StrEnum):
    """Queues of their own, so that a code never waits behind a campaign or an import."""

    MAIL = "mail"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every_seconds: float
    lane: Lane
    run: Callable[[Database], object]


def send_due_emails(database: Database) -> int:
    with _transport(database.settings) as transport:
        return post.send_due(database, transport, ENDING.is_set)


def send_due_invitations(database: Database) -> int:
    """Over as many connections at once as this process may open for campaigns."""
    lines = database.settings.invitation_connections
    if lines == 1:
        return _send_invitations(database)
    with ThreadPoolExecutor(lines) as pool:
        return sum(pool.map(_send_invitations, [database] * lines))


def _send_invitations(database: Database) -> int:
    with _transport(database.settings) as transport:
        return envelope.send_due(database, transport, ENDING.is_set)


def read_bounces(database: Database) -> int:
    """What came back to the mailbox for it, where there is one. A message is deleted after what it
    says is committed: killed in between, it is read again and changes nothing."""
    settings = database.settings
    taken = 0
    if not settings.bounce_imap_url:
        return taken
    try:
        with postbox.open_postbox(settings) as box:
            for number, message in box.letters():
                found = bounces.read(message, settings)
                is_ours = found is not None and coming_back.take_each(database, [found]) > 0
                (box.done_with if is_ours else box.leave)(number)
                taken += is_ours
                if ENDING.is_set():
                    break
    except postbox.Unreachable as error:
        _log.warning("the mailbox for bounces can't be read: %s", error)
    return taken


def tend_campaigns(database: Database) -> int:
    """What held campaigns left behind is settled, and who has not accepted is reminded once."""
    with database.writing() as session, across_businesses(session):
        campaigns.settle(session)
    with _transport(database.settings) as transport:
        return remind_due(database, transport, ENDING.is_set)


def apply_due_imports(database: Database) -> int:
    """Chunk by chunk, each its own transaction; a killed worker costs one chunk's work."""
    chunks = 0
    with Preparer() as preparer:
        while not ENDING.is_set():
            with database.writing() as session:
                progress = applying.apply_next_chunk(session, preparer=preparer)
            if progress is None:
                break
            chunks += 1
            ENDING.wait(_TURN_SECONDS)
    return chunks


def undo_due_imports(database: Database) -> int:
    """As they are applied: chunk by chunk, each its own transaction."""
    chunks = 0
    while not ENDING.is_set():
        with database.writing() as session:
            if not undoing.undo_next_chunk(session):
                break
        chunks += 1
        ENDING.wait(_TURN_SECONDS)
    return chunks


def compare_due_clients(database: Database) -> int:
    """Business by business; what goes wrong in one holds up no other."""
    with database.reading() as session:
        due = comparing.businesses_with_due(session)
    compared = 0
    for business_id in due:
        try:
            compared += _compare_all(database, business_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            _log.warning("clients could not be compared: %s", type(error).__name__)
    return compared


def _compare_all(database: Database, business_id: uuid.UUID) -> int:
    """Batch by batch, each its own transaction; a killed worker costs one batch's work."""
    compared = 0
    while not ENDING.is_set():
        with database.writing() as session:
            set_business(session, business_id)
            batch = comparing.compare_due(session)
        if not batch:
            break
        compared += batch
        ENDING.wait(_TURN_SECONDS)
    return compared


def scan_due_lists(database: Database) -> int:
    scans = 0
    while not ENDING.is_set() and scanning.scan_next(database, ENDING.is_set):
        scans += 1
    return scans


def expire_pending_appointments(database: Database) -> int:
    with database.writing() as session:
        return decide.expire_pending(session, clock.now())


def tell_of_notices(database: Database) -> int:
    """Batch by batch, each its own transaction: what is due of service notices is queued."""
    batches = 0
    while not ENDING.is_set():
        with database.writing() as session:
            if not telling.tell_next(session):
                break
        batches += 1
    return batches


def send_due_texts(database: Database) -> int:
    def stopped(phone: str) -> None:
        with database.writing() as session:
            subscribing.stop_number(session, phone)

    transport = text_transports.open_transport(database.settings)
    with closing(transport):
        return text_post.send_due(database, transport, ENDING.is_set, stopped)


def tend_billing(database: Database) -> int:
    """Months that begin, tries that are due, payments nobody knows the end of."""
    return paying.tend_due(database, ENDING.is_set)


def send_temporary_numbers(database: Database) -> int:
    """Business by business, each its own transaction, which asks once more whether it is due; what
    goes wrong in one holds up no other."""
    with database.reading() as session:
        due = licensing.businesses_without_program(session)
    sent = 0
    for business_id in due:
        if ENDING.is_set():
            break
        try:
            with database.writing() as session:
                set_business(session, business_id)
                sent += send_temporary_number(session)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            _log.warning("a temporary number could not be sent: %s", type(error).__name__)
    return sent


def tidy(database: Database) -> None:
    """What is over and done with is not kept longer than it serves anybody."""
    with database.writing() as session:
        sign_in.forget_expired(session)
    with database.writing() as session:
        idempotency.forget(session)
    with database.writing() as session:
        mail.forget_sent(session, clock.now() - SENT_MAIL_IS_KEPT)
        texts.forget_sent(session, clock.now() - SENT_MAIL_IS_KEPT)
    with database.writing() as session:
        subscribing.forget_unconfirmed(session)
    with database.writing() as session:
        payment_events.forget(session)


def one_at_a_time(run: Callable[[], object]) -> Callable[[], None]:
    """One run of a job at a time in a process. Whoever is told meanwhile that work is due leaves
    word: the one that runs may have had its last look already, and looks again."""
    turn, word = threading.Lock(), threading.Event()

    def take_turn() -> None:
        word.set()
        while word.is_set() and turn.acquire(blocking=False):
            try:
                word.clear()
                run()
            finally:
                turn.release()

    return take_turn


@contextmanager
def _transport(settings: Settings) -> Iterator[Transport]:
    transport = open_transport(settings)
    try:
        yield transport
    finally:
        transport.close()


JOBS = (
    Job("send_due_emails", 5, Lane.MAIL, send_due_emails),
    Job("send_due_invitations", 5, Lane.BULK, send_due_invitations),
    Job("read_bounces", 60, Lane.BULK, read_bounces),
    Job("tend_campaigns", 60, Lane.BULK, tend_campaigns),
    Job("apply_due_imports", 5, Lane.BULK, apply_due_imports),
    Job("undo_due_imports", 5, Lane.BULK, undo_due_imports),
    Job("compare_due_clients", 5, Lane.BULK, compare_due_clients),
    Job("scan_due_lists", 10, Lane.BULK, scan_due_lists),
    Job("expire_pending_appointments", 60, Lane.MAIL, expire_pending_appointments),
    Job("tell_of_notices", 15, Lane.MAIL, tell_of_notices),
    Job("send_due_texts", 5, Lane.MAIL, send_due_texts),
    Job("tend_billing", 30, Lane.BULK, tend_billing),
    Job("send_temporary_numbers", 600, Lane.BULK, send_temporary_numbers),
    Job("tidy", 3600, Lane.BULK, tidy),
)
