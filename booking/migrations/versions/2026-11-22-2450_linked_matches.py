"""A match about a visit or a login that was linked stays, as the answer that it was.

Revision ID: 2450_linked_matches
Revises: 2445_merged_invitations
"""

from alembic import op

revision = "2450_linked_matches"
down_revision = "2445_merged_invitations"
branch_labels = None
depends_on = None

_NAME = "ck_match_matchstate"
# SQLite, of two that serve as well, takes the one that was made last: always in this order.
_INDEXES = {
    "ix_match_raised": ["business_id", "state", "origin"],
    "ix_match_other": ["business_id", "other_id"],
    "ix_match_state": ["business_id", "state", "score", "id"],
}


def upgrade() -> None:
    _allow("'open', 'rejected', 'household', 'linked'")


def downgrade() -> None:
    """As it was then, a visit that has its client is asked about no more."""
    op.execute(
        "DELETE FROM match WHERE state = 'linked' OR (state = 'open' AND EXISTS ("
        " SELECT 1 FROM appointment WHERE appointment.business_id = match.business_id"
        " AND appointment.id = match.appointment_id AND appointment.client_id IS NOT NULL))"
    )
    _allow("'open', 'rejected', 'household'")


def _allow(states: str) -> None:
    for name in _INDEXES:
        op.drop_index(name, "match")
    with op.batch_alter_table("match") as table:
        table.drop_constraint(op.f(_NAME), type_="check")
        table.create_check_constraint(op.f(_NAME), f"state IN ({states})")
    for name, columns in _INDEXES.items():
        op.create_index(name, "match", columns)
