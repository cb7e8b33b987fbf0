"""How to send an alert from anything that can make a request."""

from incidents.alerts.adapters import guide


@guide("generic")
def write(base_url: str, token: str) -> list[tuple[str, str]]:
    """A call that fires, and one that resolves."""
    url = f"{base_url}/ingest/generic/{token}"
    fire = f"""curl -sS {url} -H 'Content-Type: application/json' -d '{{
  "dedup_key": "disk-web-1", "title": "Disk full on web-1", "status": "firing",
  "level": "critical", "service": "checkout", "labels": {{"host": "web-1"}}}}'"""
    clear = f"""curl -sS {url} -H 'Content-Type: application/json' -d '{{
  "dedup_key": "disk-web-1", "status": "resolved"}}'"""
    return [("Fire", fire), ("Resolve", clear)]
