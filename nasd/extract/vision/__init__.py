"""What pictures show, by a model that the owner has brought."""
