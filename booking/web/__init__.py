"""Pages and forms for people: one of three thin ways in to the verbs."""
