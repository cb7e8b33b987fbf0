"""The approval matrix: how many people, and who among them, must approve which kind of policy."""
