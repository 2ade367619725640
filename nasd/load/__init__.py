"""What the machine can bear: looks at it, and decides how much work in the background it gets."""
