"""Matches and merges, and the columns a business has mapped before.

Revision ID: 2315_matches
Revises: 2045_invitations
"""

import sqlalchemy as sa
from alembic import op

revision = "2315_matches"
down_revision = "2045_invitations"
branch_labels = None
depends_on = None

_DUE = sa.text("compared <> 'done'")


def upgrade() -> None:
    _create_import_mapping()
    _create_merge()
    _create_scan()
    _create_client_key()
    _create_merged_client()
    _create_match()
    _create_newcomer()
    op.add_column("import_row", sa.Column("said", sa.BigInteger(), nullable=True))
    op.add_column("import_row", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_import_row_said", "import_row", ["business_id", "said"], unique=False)
    op.create_index("ix_import_row_client", "import_row", ["business_id", "client_id"])
    op.execute(
        "ALTER TABLE client ADD COLUMN compared VARCHAR(32) DEFAULT 'changed' NOT NULL"
        " CONSTRAINT ck_client_compared CHECK (compared IN ('changed', 'keyed', 'done'))"
    )
    op.create_index(
        "ix_client_compared",
        "client",
        ["business_id", "compared"],
        postgresql_where=_DUE,
        sqlite_where=_DUE,
    )


def downgrade() -> None:
    op.drop_index("ix_client_compared", "client")
    op.execute("ALTER TABLE client DROP COLUMN compared")
    op.drop_index("ix_import_row_client", "import_row")
    op.drop_index("ix_import_row_said", "import_row")
    op.drop_column("import_row", "left_at")
    op.drop_column("import_row", "said")
    for table in (
        "newcomer",
        "match",
        "merged_client",
        "client_key",
        "scan",
        "merge",
        "import_mapping",
    ):
        op.drop_table(table)


def _create_import_mapping() -> None:
    op.create_table(
        "import_mapping",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("headers_digest", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("remembered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_import_mapping_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint(
            "business_id",
            "headers_digest",
            name=op.f("uq_import_mapping_business_id_headers_digest"),
        ),
    )


def _create_merge() -> None:
    op.create_table(
        "merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kept_id", sa.Uuid(), nullable=False),
        sa.Column("kept_name", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "done",
                "undone",
                name="mergestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_by_name", sa.String(length=200), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_name", sa.String(length=200), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["business.id"], name=op.f("fk_merge_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_merge_business_id_id")),
    )
    op.create_index("ix_merge_created", "merge", ["business_id", "created_at"], unique=False)
    op.create_index("ix_merge_kept", "merge", ["business_id", "kept_id"], unique=False)


def _create_scan() -> None:
    op.create_table(
        "scan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "done",
                name="scanstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("created_by_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["business.id"], name=op.f("fk_scan_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_scan_business_id_id")),
    )
    op.create_index("ix_scan_state", "scan", ["state", "business_id"], unique=False)


def _create_client_key() -> None:
    op.create_table(
        "client_key",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["client.business_id", "client.id"],
            name=op.f("fk_client_key_business_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_client_key_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "key", "client_id", name=op.f("pk_client_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_client_key_client", "client_key", ["business_id", "client_id"], unique=False
    )


def _create_merged_client() -> None:
    op.create_table(
        "merged_client",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merge_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "merge_id"],
            ["merge.business_id", "merge.id"],
            name=op.f("fk_merged_client_business_id_merge_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_merged_client_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_client")),
    )
    op.create_index(
        "ix_merged_client_client", "merged_client", ["business_id", "client_id"], unique=False
    )


def _create_match() -> None:
    op.create_table(
        "match",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("newcomer_id", sa.Uuid(), nullable=True),
        sa.Column(
            "origin",
            sa.Enum(
                "sign_up",
                "booking",
                "staff",
                "import",
                "list",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("agrees", sa.JSON(), nullable=False),
        sa.Column("differs", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "rejected",
                "household",
                name="matchstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=200), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        *_match_constraints(),
    )
    op.create_index("ix_match_raised", "match", ["business_id", "state", "origin"], unique=False)
    op.create_index("ix_match_other", "match", ["business_id", "other_id"], unique=False)
    op.create_index(
        "ix_match_state", "match", ["business_id", "state", "score", "id"], unique=False
    )


def _create_newcomer() -> None:
    op.create_table(
        "newcomer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column(
            "origin",
            sa.Enum(
                "sign_up",
                "booking",
                "staff",
                "import",
                "list",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("person", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_newcomer_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "appointment_id"],
            ["appointment.business_id", "appointment.id"],
            name=op.f("fk_newcomer_business_id_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["client.business_id", "client.id"],
            name=op.f("fk_newcomer_business_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_newcomer_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newcomer")),
    )
    op.create_index("ix_newcomer_business", "newcomer", ["business_id", "id"], unique=False)
    op.create_index("ix_newcomer_client", "newcomer", ["business_id", "client_id"], unique=False)


def _match_constraints() -> list[sa.Constraint]:
    return [
        sa.CheckConstraint(
            "(CASE WHEN other_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN appointment_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN account_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_match_one_other"),
        ),
        sa.CheckConstraint("client_id < other_id", name=op.f("ck_match_order")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_match_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "appointment_id"],
            ["appointment.business_id", "appointment.id"],
            name=op.f("fk_match_business_id_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["client.business_id", "client.id"],
            name=op.f("fk_match_business_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "other_id"],
            ["client.business_id", "client.id"],
            name=op.f("fk_match_business_id_other_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["business.id"], name=op.f("fk_match_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match")),
        sa.UniqueConstraint(
            "business_id",
            "client_id",
            "account_id",
            name=op.f("uq_match_business_id_client_id_account_id"),
        ),
        sa.UniqueConstraint(
            "business_id",
            "client_id",
            "appointment_id",
            name=op.f("uq_match_business_id_client_id_appointment_id"),
        ),
        sa.UniqueConstraint(
            "business_id",
            "client_id",
            "other_id",
            name=op.f("uq_match_business_id_client_id_other_id"),
        ),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_match_business_id_id")),
    ]
