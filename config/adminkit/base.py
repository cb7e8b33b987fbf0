"""What a room's `admin.py` imports. One import line, and the rest is declaration:

    from config.adminkit.base import NoteForm, OperationAdmin, Verb, register
    from incidents.lifecycle import operations, rules
    from incidents.lifecycle.models import Incident

    @register(Incident)
    class IncidentAdmin(OperationAdmin):
        '''The incident, by every verb of the API.'''

        list_display = ["reference", "title", "severity", "state", "service"]
        list_filter = ["state", "severity", "team"]
        search_fields = ["title"]                      # Incident.objects.matching() does the search
        autocomplete_fields = ["service", "team"]
        readonly_fields = ["reference", "state", "severity"]
        fieldsets = [(None, {"fields": ["reference", "title", "service", "level", "state"]})]
        inlines = []
        actions = []
        list_select_related = ["service"]
        is_live = True                                 # the list tells what changed meanwhile
        queues = (Queue("unassigned", "Unassigned", "attention=unacknowledged"),)

        change_verb = "edit"                           # asked of may(user, verb, row)
        add_level = Level.RESPOND                      # or add_roles, or def add_check(request)
        create_operation = operations.open_incident    # f(*, actor, **cleaned_data) -> row
        edit_operation = operations.edit               # f(row, *, actor, changes, reason)
        verbs = (
            Verb("acknowledge", operations.acknowledge),               # one click
            Verb("resolve", operations.resolve, form=NoteForm),        # a page with a form
            Verb("close", operations.close, guard="incident.close", form=NoteForm, bulk=True),
        )

        def verbs_from(self, obj):                     # which verbs the row's state allows
            return rules.verbs_from(obj.state)

Rows come from `Model.objects.visible_to(user)`, or from a rule given to `scope(Model)`; a model
with neither is shown to superusers only. An invisible row is 404 everywhere. A verb shows where
`may(user, verb, row)` says so. Operations raise DomainError: a form shows it beside its `field`,
a button as a message. Read-only tables (deliveries, evidence, timelines) take `ReadOnlyAdmin`, the
platform's own `OversightAdmin`; child rows take `ReadOnlyInline`, or `OperationInline` with
operations of their own. Nothing here ever calls `save()` or deletes. The sidebar puts a model under
the job of its room (`navigation.PLACES`); `section`, `nav_order` and `icon` overrule it, `section =
""` hides it, and `in_palette = True` lets the palette search it. Cards of the home page: `home`.
"""

from django.contrib.admin import SimpleListFilter, action, register, site

from config.adminkit.columns import display, unit_shown
from config.adminkit.inlines import OperationInline, ReadOnlyInline
from config.adminkit.operation import OperationAdmin
from config.adminkit.queues import Queue
from config.adminkit.scoped import BaseAdmin, OversightAdmin, ReadOnlyAdmin
from config.adminkit.scoping import access_of, actor_of, scope, visible_rows
from config.adminkit.verbs import NoteForm, ReasonForm, Verb, VerbForm

__all__ = [
    "BaseAdmin",
    "NoteForm",
    "OperationAdmin",
    "OperationInline",
    "OversightAdmin",
    "Queue",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "ReasonForm",
    "SimpleListFilter",
    "Verb",
    "VerbForm",
    "access_of",
    "action",
    "actor_of",
    "display",
    "register",
    "scope",
    "site",
    "unit_shown",
    "visible_rows",
]
