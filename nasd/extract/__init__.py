"""From a file's bytes to a document of blocks, in a confined child process, and on to passages."""
