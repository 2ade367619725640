"""Devices, tokens and scopes."""
