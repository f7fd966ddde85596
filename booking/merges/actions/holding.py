"""Records held while they are merged or taken apart: nobody else changes or refers to them."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.businesses.queries import this_business
from booking.clients.models import Client
from booking.database import lock


def hold(session: Session, client_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Client]:
    """Those that are there, as they are now, held to the end of the transaction.

    Always the business first, as accepting an invitation does, then clients by their ids: two who
    hold the same never wait for each other. FOR UPDATE, and not less, since it also waits for rows
    that are just being written for a record (a visit, a login), so that they move along.
    """
    lock(session, this_business(session))
    query = (
        select(Client)
        .where(Client.id.in_(client_ids))
        .order_by(Client.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {client.id: client for client in session.scalars(query)}
