"""JSON for programs: one of three thin ways in to the verbs."""
