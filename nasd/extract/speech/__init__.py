"""What is said in recordings and films, by a model that the owner has brought."""
