"""What to paste into Alertmanager's configuration."""

from incidents.alerts.adapters import guide


@guide("alertmanager")
def write(base_url: str, token: str) -> list[tuple[str, str]]:
    """The webhook, and the same through Alertmanager's PagerDuty integration."""
    webhook = f"""receivers:
  - name: watchbill
    webhook_configs:
      - url: {base_url}/ingest/alertmanager/{token}
        send_resolved: true
route:
  receiver: watchbill
  group_by: [alertname, service]"""
    pagerduty = f"""receivers:
  - name: watchbill
    pagerduty_configs:
      - url: {base_url}/v2/enqueue
        routing_key: {token}
        severity: '{{{{ .CommonLabels.severity }}}}'
        component: '{{{{ .CommonLabels.service }}}}'
        send_resolved: true"""
    return [("alertmanager.yml", webhook), ("alertmanager.yml, PagerDuty format", pagerduty)]
