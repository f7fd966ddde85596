"""Undoing an import is the worker's: who asked for it, since when it waits, what was undone so far.

Revision ID: 2470_undoing_imports
Revises: 2460_names_beside_keys
"""

import sqlalchemy as sa
from alembic import op

revision = "2470_undoing_imports"
down_revision = "2460_names_beside_keys"
branch_labels = None
depends_on = None

_NAME = "ck_import_importstate"
_STATES = ("needs_mapping", "queued", "running", "done", "failed", "undone")
_COUNTS = ("removed", "restored", "spared")
_import = sa.table(
    "import",
    sa.column("id", sa.Uuid()),
    sa.column("undone_by", sa.Uuid()),
    sa.column("undone_by_name", sa.String()),
    *(sa.column(name, sa.Integer()) for name in _COUNTS),
)
_entry = sa.table(
    "audit_entry",
    sa.column("record_id", sa.Uuid()),
    sa.column("action", sa.String()),
    sa.column("actor_id", sa.Uuid()),
    sa.column("actor_name", sa.String()),
    sa.column("details", sa.JSON()),
)


def upgrade() -> None:
    with op.batch_alter_table("import") as table:
        table.add_column(sa.Column("due_since", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("undone_by", sa.Uuid(), nullable=True))
        table.add_column(
            sa.Column("undone_by_name", sa.String(200), server_default="", nullable=False)
        )
        for name in _COUNTS:
            table.add_column(sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    _allow(*_STATES, "undoing", still=("undone_by_name", *_COUNTS))
    op.execute("UPDATE import SET due_since = created_at WHERE state IN ('queued', 'running')")
    _tell_of_those_undone()


def downgrade() -> None:
    """What is left of an undoing can be asked for again."""
    op.execute("UPDATE import SET state = 'done', done = people WHERE state = 'undoing'")
    _allow(*_STATES)
    with op.batch_alter_table("import") as table:
        for name in ("due_since", "undone_by", "undone_by_name", *_COUNTS):
            table.drop_column(name)


def _allow(*states: str, still: tuple[str, ...] = ()) -> None:
    """`still` have a default of the database, which served the rows that were there."""
    op.drop_index("ix_import_state", "import")
    with op.batch_alter_table("import") as table:
        table.drop_constraint(op.f(_NAME), type_="check")
        allowed = ", ".join(f"'{state}'" for state in states)
        table.create_check_constraint(op.f(_NAME), f"state IN ({allowed})")
        for name in still:
            table.alter_column(name, server_default=None)
    op.create_index("ix_import_state", "import", ["state", "business_id"])


def _tell_of_those_undone() -> None:
    """What was undone stood in the audit log alone."""
    bind = op.get_bind()
    told = sa.select(_entry).where(_entry.c.action == "import.undone")
    for entry in bind.execute(told).all():
        counts = {name: entry.details[name] for name in _COUNTS}
        bind.execute(
            sa.update(_import)
            .where(_import.c.id == entry.record_id)
            .values(undone_by=entry.actor_id, undone_by_name=entry.actor_name, **counts)
        )
