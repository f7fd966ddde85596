"""What the `booking` command does: a file a command, loaded when it is called."""
