"""The admin: its site, and the classes on which every room's admin stands (start at `base`)."""
