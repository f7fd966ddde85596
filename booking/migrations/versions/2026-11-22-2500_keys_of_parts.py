"""Rows of something that is owned have one foreign key less, and pets an index that nothing refers
to: long lists are written faster.

Revision ID: 2500_keys_of_parts
Revises: 2490_invitations_without_keys
"""

from typing import Any

from alembic import op

revision = "2500_keys_of_parts"
down_revision = "2490_invitations_without_keys"
branch_labels = None
depends_on = None

_PARTS: dict[str, dict[str, Any]] = {
    "pet": {},
    "import_row": {},
    "client_key": {"sqlite_with_rowid": False},
}
_UNIQUE_PETS = "uq_pet_business_id_id"


def upgrade() -> None:
    for part, kept in _PARTS.items():
        with op.batch_alter_table(part, table_kwargs=kept) as table:
            table.drop_constraint(op.f(f"fk_{part}_business_id"), type_="foreignkey")
    with op.batch_alter_table("pet") as table:
        table.drop_constraint(op.f(_UNIQUE_PETS), type_="unique")


def downgrade() -> None:
    with op.batch_alter_table("pet") as table:
        table.create_unique_constraint(op.f(_UNIQUE_PETS), ["business_id", "id"])
    for part, kept in _PARTS.items():
        with op.batch_alter_table(part, table_kwargs=kept) as table:
            table.create_foreign_key(
                op.f(f"fk_{part}_business_id"),
                "business",
                ["business_id"],
                ["id"],
                ondelete="CASCADE",
            )
