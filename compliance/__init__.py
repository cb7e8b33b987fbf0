"""Evidence: audit requests and exports."""
