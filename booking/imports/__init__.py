"""An import: a client list from somewhere else, read, mapped, tried, applied and undone."""
