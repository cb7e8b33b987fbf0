"""What to enter in a tool that speaks to Opsgenie."""

from incidents.alerts.adapters import guide


@guide("opsgenie")
def write(base_url: str, token: str) -> list[tuple[str, str]]:
    """The two values that such tools ask for, Alertmanager's own form, and a call to try them."""
    values = f"API URL: {base_url}\nAPI key (GenieKey): {token}"
    alertmanager = f"""receivers:
  - name: watchbill
    opsgenie_configs:
      - api_url: {base_url}/
        api_key: {token}
        priority: '{{{{ if eq .CommonLabels.severity "critical" }}}}P1{{{{ else }}}}P3{{{{ end }}}}'
        details: {{ service: '{{{{ .CommonLabels.service }}}}' }}
        send_resolved: true"""
    call = f"""curl -sS {base_url}/v2/alerts -H 'Authorization: GenieKey {token}' \\
  -H 'Content-Type: application/json' -d '{{
  "message": "Disk full on web-1", "alias": "disk-web-1", "priority": "P1",
  "details": {{"service": "checkout"}}}}'"""
    return [("Values", values), ("alertmanager.yml", alertmanager), ("curl", call)]
