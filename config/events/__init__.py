"""What happened, and the four hooks through which floors speak."""
