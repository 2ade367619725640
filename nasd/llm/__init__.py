"""Language models: text from messages, by a process of this machine or by a server."""
