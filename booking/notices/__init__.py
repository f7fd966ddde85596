"""Service notices: what the operators of the service say about it, and who wants to be told."""
