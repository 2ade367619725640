"""One policy for reading, answering and sending: pure, and able to say which rule decided."""
