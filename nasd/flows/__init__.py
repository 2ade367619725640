"""What the daemon does, organ by organ: ingest, search, ask, upkeep."""
