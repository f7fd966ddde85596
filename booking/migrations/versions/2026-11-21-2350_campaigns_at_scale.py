"""What a campaign remembers: its alarm, repeats, reminders; and how many may leave in a day.

Revision ID: 2350_campaigns
Revises: 2345_coming_back
"""

import sqlalchemy as sa
from alembic import op

revision = "2350_campaigns"
down_revision = "2345_coming_back"
branch_labels = None
depends_on = None

_MOMENTS = ("reminder_due_at", "reminded_at")
_ASKED_ONCE = "uq_invitation_business_id_client_id_campaign_id"
_ASKED_ONCE_BEFORE = "uq_invitation_business_id_campaign_id_client_id"


def upgrade() -> None:
    op.add_column("business", sa.Column("invitations_per_day", sa.Integer(), nullable=True))
    op.execute(
        "ALTER TABLE campaign ADD COLUMN bounce_alarm VARCHAR(32) DEFAULT 'none' NOT NULL"
        " CONSTRAINT ck_campaign_bouncealarm"
        " CHECK (bounce_alarm IN ('none', 'raised', 'checked'))"
    )
    op.add_column("campaign", sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("ix_invitation_client", "ix_invitation_email", "ix_invitation_due"):
        op.drop_index(name, "invitation")
    with op.batch_alter_table("invitation") as table:
        for name in _MOMENTS:
            table.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        table.add_column(
            sa.Column("repeated", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        table.add_column(
            sa.Column("reminder_attempts", sa.Integer(), server_default="0", nullable=False)
        )
        table.drop_constraint("fk_invitation_business_id", type_="foreignkey")
        table.drop_constraint("uq_invitation_digest", type_="unique")
        table.drop_constraint(_ASKED_ONCE_BEFORE, type_="unique")
        table.create_unique_constraint(_ASKED_ONCE, ["business_id", "client_id", "campaign_id"])
    is_open = sa.text("state IN ('queued', 'sending', 'deferred', 'uncertain')")
    op.create_index(
        "ix_invitation_due",
        "invitation",
        ["business_id", "due_at", "id"],
        postgresql_where=is_open,
        sqlite_where=is_open,
    )
    _index("ix_invitation_email", ["business_id", "email_key"])
    _index("ix_invitation_digest", ["digest"], unique=True)
    _index("ix_invitation_sent", ["business_id", "sent_at"])
    _index("ix_invitation_reminded", ["business_id", "reminded_at"])


def _index(name: str, columns: list[str], *, unique: bool = False) -> None:
    """Only over rows that have it: a row waits without."""
    filled = sa.text(f"{columns[-1]} IS NOT NULL")
    op.create_index(
        name,
        "invitation",
        columns,
        unique=unique,
        postgresql_where=filled,
        sqlite_where=filled,
    )


def downgrade() -> None:
    for name in ("sent", "reminded", "digest", "email", "due"):
        op.drop_index(f"ix_invitation_{name}", "invitation")
    with op.batch_alter_table("invitation") as table:
        table.drop_constraint(_ASKED_ONCE, type_="unique")
        table.create_unique_constraint(
            _ASKED_ONCE_BEFORE, ["business_id", "campaign_id", "client_id"]
        )
        table.create_unique_constraint("uq_invitation_digest", ["digest"])
        table.create_foreign_key(
            "fk_invitation_business_id", "business", ["business_id"], ["id"], ondelete="CASCADE"
        )
        for name in (*_MOMENTS, "repeated", "reminder_attempts"):
            table.drop_column(name)
    op.create_index("ix_invitation_email", "invitation", ["business_id", "email_key"])
    op.create_index("ix_invitation_due", "invitation", ["state", "due_at"])
    op.create_index("ix_invitation_client", "invitation", ["business_id", "client_id"])
    op.drop_column("campaign", "resumed_at")
    op.execute("ALTER TABLE campaign DROP COLUMN bounce_alarm")
    op.drop_column("business", "invitations_per_day")
