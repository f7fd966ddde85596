"""Clients who became one keep every invitation they were sent, also two of one campaign.

Revision ID: 2445_merged_invitations
Revises: 2440_help
"""

from alembic import op

revision = "2445_merged_invitations"
down_revision = "2440_help"
branch_labels = None
depends_on = None

_ASKED_ONCE = "uq_invitation_business_id_client_id_campaign_id"


def upgrade() -> None:
    with op.batch_alter_table("invitation") as table:
        table.drop_constraint(_ASKED_ONCE, type_="unique")
    op.create_index("ix_invitation_client", "invitation", ["business_id", "client_id"])


def downgrade() -> None:
    """Of two of one campaign the accepted one stays, or the older."""
    op.execute(
        "DELETE FROM invitation WHERE EXISTS ("
        " SELECT 1 FROM invitation AS stays"
        " WHERE stays.business_id = invitation.business_id"
        " AND stays.client_id = invitation.client_id"
        " AND stays.campaign_id = invitation.campaign_id"
        " AND CASE WHEN (stays.accepted_at IS NULL) = (invitation.accepted_at IS NULL)"
        " THEN stays.id < invitation.id ELSE stays.accepted_at IS NOT NULL END)"
    )
    op.drop_index("ix_invitation_client", "invitation")
    with op.batch_alter_table("invitation") as table:
        table.create_unique_constraint(_ASKED_ONCE, ["business_id", "client_id", "campaign_id"])
