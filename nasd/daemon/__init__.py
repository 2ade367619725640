"""The process: assembly of adapters, supervision, systemd, the lock."""
