"""What the last release left behind, and whether the present code can live with it."""
