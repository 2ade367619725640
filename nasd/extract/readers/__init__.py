"""One module per family of formats."""
