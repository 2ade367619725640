"""Models that the owner has brought: their folders, and what is known of each."""
