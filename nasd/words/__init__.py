"""Finding passages by their words: what a text's terms are, what a query wants, and the index that knows."""
