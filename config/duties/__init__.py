"""Segregation of duties: which roles and acts are kept apart, and the dated exceptions."""
