"""The steps, in the order of their dates."""
