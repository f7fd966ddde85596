"""A proved new address: it becomes that of the login and of the client records together."""

from sqlalchemy.orm import Session

from booking.accounts.actions import address
from booking.accounts.actions.address import AddressChanged
from booking.accounts.models import Proof
from booking.audit.actions import Actor
from booking.businesses.queries import place_of, this_business
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Client
from booking.errors import Refusal


def change_address(session: Session, proof: Proof, *, by: Actor) -> AddressChanged | Refusal:
    """`proof` has just been redeemed in this transaction; a refusal is returned, so commit or roll
    back as the proof should stay used or not. Every session of the login ends."""
    changed = address.change_address(session, proof, place=place_of(this_business(session)), by=by)
    if isinstance(changed, Refusal):
        return changed
    for client in _carriers(session, changed):
        clients.change_client(session, client, {"email": changed.account.email}, by=by)
    return changed


def _carriers(session: Session, changed: AddressChanged) -> list[Client]:
    """The records that carried the login's address; where none did, all of the login's."""
    linked = queries.clients_of(session, changed.account.id)
    return [client for client in linked if client.email == changed.old_email] or linked
