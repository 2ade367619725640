"""The terminal UI. It reaches the daemon through `nasd.client` alone."""
