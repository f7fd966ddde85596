"""An account: a person who signs in, and how they prove who they are."""
