"""The processors that keep cards and take money: one protocol, and who speaks it."""
