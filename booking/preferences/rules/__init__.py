"""Pure: what can be chosen (`declared`), and how a save changes it (`merging`)."""
