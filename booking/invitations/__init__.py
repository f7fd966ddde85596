"""An invitation: asking a client to come online, one by one or all with one campaign."""
