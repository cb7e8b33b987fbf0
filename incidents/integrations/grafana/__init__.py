"""Grafana: the webhook of its alerting, which resembles that of Alertmanager."""
