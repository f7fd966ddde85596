"""The verbs around notices: posting them, wanting to be told, telling."""
