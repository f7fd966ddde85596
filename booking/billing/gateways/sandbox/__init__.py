"""A processor of payments to try things with: a process of its own, with a ledger, a card field,
cards that are declined, answers that get lost, and no money."""
