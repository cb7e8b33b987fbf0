"""The regions of a service, and whether it works there at an instant."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.events.operations import record
from config.organisation.models import User
from incidents.calendars.models import OperatingCalendar
from incidents.calendars.operations import plan_at
from incidents.calendars.rules import any_open, in_hours
from incidents.catalog.models import Service, ServiceRegion


@transaction.atomic
def set_region(
    service: Service, *, actor: User, region: str, calendar: OperatingCalendar, reason: str = ""
) -> ServiceRegion:
    """Offer the service in a region by that calendar; a region that it has gets the calendar."""
    lock(service)
    row = service.regions.filter(region=region.strip()).first()
    if row is not None and row.calendar_id == calendar.pk:
        return row
    row = row or ServiceRegion(service=service, region=region.strip())
    row.calendar = calendar
    row.full_clean()
    row.save_as(actor, reason=reason)
    record(
        "service.region_set",
        service,
        actor=actor,
        reason=reason,
        region=row.region,
        calendar=calendar.key,
    )
    return row


def change_region(row: ServiceRegion, *, actor: User, changes: Mapping[str, Any]) -> ServiceRegion:
    """Another calendar for a region; another name is another region."""
    with transaction.atomic():
        region = changes.get("region", row.region)
        if region != row.region:
            remove_region(ServiceRegion.objects.get(pk=row.pk), actor=actor)
        calendar = changes.get("calendar", row.calendar)
        return set_region(row.service, actor=actor, region=region, calendar=calendar)


@transaction.atomic
def remove_region(row: ServiceRegion, *, actor: User, reason: str = "") -> None:
    """The service isn't offered there any more."""
    service, region = lock(row.service), row.region
    row.delete_as(actor, reason=reason)
    record("service.region_removed", service, actor=actor, reason=reason, region=region)


def hours_of(service: Service) -> list[ServiceRegion]:
    """Its regions with their calendars, by name."""
    return list(service.regions.select_related("calendar").order_by("region"))


def is_in_hours(service: Service | None, at: datetime.datetime, *, region: str = "") -> bool | None:
    """Whether the service works at the instant: in the region, else in any of its regions.

    None where nobody timed it. One query; the arithmetic is kept by calendar.
    """
    if service is None:
        return None
    rows = ServiceRegion.objects.filter(service=service).select_related("calendar")
    found = [row for row in rows if not region or row.region == region] or list(rows)
    return any_open(in_hours(plan_at(row.calendar, at), at) for row in found)
