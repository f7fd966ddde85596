"""A match: two records, or a newcomer and a record, that may be one person; a person decides."""
