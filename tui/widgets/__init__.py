"""Small parts that screens share."""
