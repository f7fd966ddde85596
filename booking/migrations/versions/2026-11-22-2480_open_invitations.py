"""The states of an invitation said one by one: with IN, SQLite makes a new list for each row.

Revision ID: 2480_open_invitations
Revises: 2470_undoing_imports
"""

import sqlalchemy as sa
from alembic import op

revision = "2480_open_invitations"
down_revision = "2470_undoing_imports"
branch_labels = None
depends_on = None

_CHECK = "ck_invitation_invitationstate"
_OPEN = ("queued", "sending", "deferred", "uncertain")
_ALL = (
    "queued", "sending", "sent", "deferred", "bounced", "failed", "uncertain", "skipped",
    "revoked", "accepted",
)  # fmt: skip


def upgrade() -> None:
    _replace(_one_by_one(_OPEN), _one_by_one(_ALL))


def downgrade() -> None:
    _replace(_in(_OPEN), _in(_ALL))


def _replace(is_open: str, is_known: str) -> None:
    op.drop_index("ix_invitation_due", "invitation")
    with op.batch_alter_table("invitation") as table:
        table.drop_constraint(op.f(_CHECK), type_="check")
        table.create_check_constraint(op.f(_CHECK), is_known)
    op.create_index(
        "ix_invitation_due",
        "invitation",
        ["business_id", "due_at", "id"],
        postgresql_where=sa.text(is_open),
        sqlite_where=sa.text(is_open),
    )


def _one_by_one(states: tuple[str, ...]) -> str:
    return " OR ".join(f"state = '{state}'" for state in states)


def _in(states: tuple[str, ...]) -> str:
    quoted = ", ".join(f"'{state}'" for state in states)
    return f"state IN ({quoted})"
