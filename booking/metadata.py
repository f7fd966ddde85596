"""Every room's tables and emails, for Alembic and for the worker that renders."""

from booking.accounts import emails as _accounts_emails
from booking.accounts import models as _accounts
from booking.appointments import emails as _appointments_emails
from booking.appointments import models as _appointments
from booking.audit import models as _audit
from booking.availability import models as _availability
from booking.businesses import emails as _businesses_emails
from booking.businesses import models as _businesses
from booking.catalogue import models as _catalogue
from booking.clients import emails as _clients_emails
from booking.clients import models as _clients
from booking.database import Base
from booking.help import models as _help
from booking.idempotency import IdempotencyRecord as _IdempotencyRecord
from booking.imports import models as _imports
from booking.invitations import emails as _invitations_emails
from booking.invitations import models as _invitations
from booking.linking import emails as _linking_emails
from booking.linking import models as _linking
from booking.mail import models as _mail
from booking.matching import models as _matching
from booking.merges import emails as _merges_emails
from booking.merges import models as _merges
from booking.preferences import models as _preferences

MODELS = (
    _accounts,
    _appointments,
    _audit,
    _availability,
    _businesses,
    _catalogue,
    _clients,
    _help,
    _IdempotencyRecord,
    _imports,
    _invitations,
    _linking,
    _mail,
    _matching,
    _merges,
    _preferences,
)
EMAILS = (
    _accounts_emails,
    _appointments_emails,
    _businesses_emails,
    _clients_emails,
    _invitations_emails,
    _linking_emails,
    _merges_emails,
)
metadata = Base.metadata
