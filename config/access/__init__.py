"""Who may see and do what: role assignments, visible_to and may."""
