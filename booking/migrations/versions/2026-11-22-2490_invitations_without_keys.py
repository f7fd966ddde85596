"""Invitations have no foreign keys and nothing has one to them: to check two for each row of a
large campaign, and the index that others refer to, took longer than to write it.

Revision ID: 2490_invitations_without_keys
Revises: 2480_open_invitations
"""

from alembic import op
from alembic.operations import BatchOperations

revision = "2490_invitations_without_keys"
down_revision = "2480_open_invitations"
branch_labels = None
depends_on = None

_OF_INVITATIONS = {
    "campaign": "fk_invitation_business_id_campaign_id",
    "client": "fk_invitation_business_id_client_id",
}
_TO_INVITATIONS = "fk_retired_link_business_id_invitation_id"
_UNIQUE = "uq_invitation_business_id_id"


def upgrade() -> None:
    with op.batch_alter_table("retired_link") as table:
        table.drop_constraint(op.f(_TO_INVITATIONS), type_="foreignkey")
    with op.batch_alter_table("invitation") as table:
        for name in _OF_INVITATIONS.values():
            table.drop_constraint(op.f(name), type_="foreignkey")
        table.drop_constraint(op.f(_UNIQUE), type_="unique")


def downgrade() -> None:
    with op.batch_alter_table("invitation") as table:
        table.create_unique_constraint(op.f(_UNIQUE), ["business_id", "id"])
        for target, name in _OF_INVITATIONS.items():
            _create(table, name, target, f"{target}_id")
    with op.batch_alter_table("retired_link") as table:
        _create(table, _TO_INVITATIONS, "invitation", "invitation_id")


def _create(table: BatchOperations, name: str, target: str, column: str) -> None:
    table.create_foreign_key(
        op.f(name), target, ["business_id", column], ["business_id", "id"], ondelete="CASCADE"
    )
