"""Recognises text in pictures of pages. Engines see pixels that the confined child drew, never a file."""
