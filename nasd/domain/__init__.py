"""Frozen values that every floor shares. They know no library and do no work."""
