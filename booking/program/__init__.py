"""The reference client: what an installed program does to be registered, over the public API."""
