"""What readers say of the help.

Revision ID: 2440_help
Revises: 2350_campaigns
"""

import sqlalchemy as sa
from alembic import op

revision = "2440_help"
down_revision = "2350_campaigns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "help_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("article", sa.String(60), nullable=False),
        sa.Column("visitor_digest", sa.String(64), nullable=False),
        sa.Column("was_helpful", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.String(1000), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_help_answer"),
        sa.UniqueConstraint(
            "article", "visitor_digest", name="uq_help_answer_article_visitor_digest"
        ),
    )


def downgrade() -> None:
    op.drop_table("help_answer")
