"""When an invitation came back or was opened, and when a replaced link had run out.

Revision ID: 2345_coming_back
Revises: 2315_matches
"""

import sqlalchemy as sa
from alembic import op

revision = "2345_coming_back"
down_revision = "2315_matches"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("invitation", "bounced_at"),
    ("invitation", "opened_at"),
    ("retired_link", "expires_at"),
)


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table, column in reversed(_COLUMNS):
        op.drop_column(table, column)
