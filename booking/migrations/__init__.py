"""Migrations: how the tables came to be as they are, one dated, small, reversible step each."""
