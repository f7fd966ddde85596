"""A business: the tenant, and the members (owner, manager, staff) who run it."""
