"""Is this person that client? The pure rule: normal forms, keys, a comparison and a verdict."""
