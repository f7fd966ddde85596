"""A preference: what a business has chosen, typed, with its default, bounds, help and history."""
