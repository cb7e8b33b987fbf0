"""PagerDuty Events API v2, for every tool that can speak it."""
