"""What a campaign remembers: its alarm, repeats, reminders; and how many may leave in a day.

Revision ID: 2350_campaigns
Revises: 2315_matches
"""

import sqlalchemy as sa
from alembic import op

revision = "2350_campaigns"
down_revision = "2315_matches"
branch_labels = None
depends_on = None

_MOMENTS = ("opened_at", "reminder_due_at", "reminded_at")
_INDEXED = ("sent", "reminded")


def upgrade() -> None:
    op.add_column("business", sa.Column("invitations_per_day", sa.Integer(), nullable=True))
    op.execute(
        "ALTER TABLE campaign ADD COLUMN bounce_alarm VARCHAR(32) DEFAULT 'none' NOT NULL"
        " CONSTRAINT ck_campaign_bouncealarm"
        " CHECK (bounce_alarm IN ('none', 'raised', 'checked'))"
    )
    op.add_column("campaign", sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True))
    for name in _MOMENTS:
        op.add_column("invitation", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "invitation",
        sa.Column("repeated", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "invitation",
        sa.Column("reminder_attempts", sa.Integer(), server_default="0", nullable=False),
    )
    for name in _INDEXED:
        written = sa.text(f"{name}_at IS NOT NULL")
        op.create_index(
            f"ix_invitation_{name}",
            "invitation",
            ["business_id", f"{name}_at"],
            postgresql_where=written,
            sqlite_where=written,
        )


def downgrade() -> None:
    for name in _INDEXED:
        op.drop_index(f"ix_invitation_{name}", "invitation")
    for name in (*_MOMENTS, "repeated", "reminder_attempts"):
        op.drop_column("invitation", name)
    op.drop_column("campaign", "resumed_at")
    op.execute("ALTER TABLE campaign DROP COLUMN bounce_alarm")
    op.drop_column("business", "invitations_per_day")
