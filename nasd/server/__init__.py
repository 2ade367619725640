"""The HTTP API: parse, authorise, call a flow, render."""
