"""Mail: one email at a time, as a row with a state, from being due to being sent."""
