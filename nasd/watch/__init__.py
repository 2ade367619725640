"""Storage: what changed on a volume, when it has settled, and whether the volume is there at all."""
