import resource, time
import pytest
from django.db import connection
from compliance.evidence.operations import order_export
from compliance.evidence.exporting import run_export
from config.audit.sealing import seal
from config.events.models import Event
from config import clock
from incidents.timeline.models import TimelineEntry
from tests.config import make
from tests.compliance.make import *
from tests.compliance.conftest import *
def test_perf(carol, lena, incident):
    m=clock.now(); s=make.system()
    for k in range(40):
        evs=Event.objects.bulk_create([Event(kind="timeline.noted",subject_type="incidents.incident",subject_id=incident.pk,actor=s,origin="system",at=m,recorded_at=m,reason="x"*200,data={"n":i}) for i in range(1000)])
        TimelineEntry.objects.bulk_create([TimelineEntry(incident=incident,event=e,kind="system",text="y"*100,at=m,recorded_at=m,actor=s,origin="system") for e in evs])
    t=time.time(); seal(); print("seal", time.time()-t)
    r=approved(carol, by=lena)
    for fields in ({}, {"incident": incident}):
        e=order_export(approved(carol, by=lena, **fields), actor=carol)
        b=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; t=time.time(); c=time.process_time()
        run_export(e.pk); e.refresh_from_db()
        print("RESULT", e.state, e.error, e.rows, "s", round(time.time()-t,1), "cpu", round(time.process_time()-c,1), "rss KiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss-b, e.size)
