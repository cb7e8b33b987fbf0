"""What to enter in Grafana."""

from incidents.alerts.adapters import guide


@guide("grafana")
def write(base_url: str, token: str) -> list[tuple[str, str]]:
    """A contact point, by hand or provisioned."""
    provisioned = f"""apiVersion: 1
contactPoints:
  - orgId: 1
    name: watchbill
    receivers:
      - uid: watchbill
        type: webhook
        settings:
          url: {base_url}/ingest/grafana/{token}
          httpMethod: POST"""
    by_hand = (
        "Alerting, Contact points, New contact point: integration Webhook, HTTP method POST, URL\n"
        f"{base_url}/ingest/grafana/{token}"
    )
    return [("provisioning/alerting/watchbill.yml", provisioned), ("By hand", by_hand)]
