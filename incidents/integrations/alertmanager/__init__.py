"""Prometheus Alertmanager: webhook format 4."""
