"""Who is on call, how they are paged, and who is next."""
