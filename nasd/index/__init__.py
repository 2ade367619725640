"""Nearest neighbours over the catalogue's vectors: a cache that can be lost at any moment."""
