"""PostgreSQL tells a key's holders and their names from the index alone, as SQLite does.

Revision ID: 2460_names_beside_keys
Revises: 2450_linked_matches
"""

from alembic import op

revision = "2460_names_beside_keys"
down_revision = "2450_linked_matches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _key_on_postgres("INCLUDE (name)")


def downgrade() -> None:
    _key_on_postgres("")


def _key_on_postgres(besides: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE client_key DROP CONSTRAINT pk_client_key, ADD CONSTRAINT pk_client_key"
            f" PRIMARY KEY (business_id, key, client_id) {besides}"
        )
