"""What to enter in a tool that speaks to PagerDuty."""

from incidents.alerts.adapters import guide


@guide("pagerduty")
def write(base_url: str, token: str) -> list[tuple[str, str]]:
    """The two values that such tools ask for, and a call to try them."""
    values = f"Events API v2 URL: {base_url}/v2/enqueue\nRouting key: {token}"
    call = f"""curl -sS {base_url}/v2/enqueue -H 'Content-Type: application/json' -d '{{
  "routing_key": "{token}", "event_action": "trigger", "dedup_key": "disk-web-1",
  "payload": {{"summary": "Disk full on web-1", "source": "web-1", "severity": "critical",
              "component": "checkout"}}}}'"""
    return [("Values", values), ("curl", call)]
