"""What every resource of the API is made of: one door to rows, declared rights, verbs, lists.

How a room declares one (in its `api.py`; `urls.py` of the app lists it in `api_routes`):

    class ServiceOut(serializers.ModelSerializer[Service]):      # all read-only, explicit fields
        version = serializers.IntegerField(source="revision", read_only=True)
        team = serializers.SlugRelatedField(slug_field="key", read_only=True)
        class Meta:
            model = Service
            fields = read_only_fields = ("key", "name", "team", "version")

    class ServiceIn(Input):                     # config.apikit.serializers: unknown fields are 400
        key = serializers.CharField(max_length=60)
        team = Ref(Team, "key")                 # only rows that the caller may see; else 400
        name = serializers.CharField(max_length=120)

    class RetireIn(Input):
        reason = serializers.CharField()

    class ServiceViewSet(Creates, Edits, Histories, Resource[Service]):
        model = Service                          # rows come from Service.objects.visible_to(user)
        out = ServiceOut
        lookup_field = "key"
        inputs = {"create": ServiceIn, "partial_update": ServiceEditIn}
        filterset_class = ServiceFilters         # django-filter; unknown parameters are 400
        create_in = "team"                       # the input that holds the container
        action_permissions = {                   # every action, or `manage.py check` fails
            "list": VIEW, "retrieve": VIEW, "history": VIEW,   # VIEW: visible is enough
            "create": "add_service",             # a verb of the container's model (register_verbs)
            "partial_update": "edit", "retire": "retire", "outages": VIEW, "add_outage": "respond",
        }

        def shown(self, rows):
            return rows.select_related("team")

        def perform_create(self, data, actor):
            return operations.create_service(actor=actor, **data)

        def perform_edit(self, row, data, actor):
            operations.edit_service(row, actor=actor, changes=data)

        @verb(RetireIn)                          # POST <key>/retire/, 200 with the row as it is now
        def retire(self, row, data, actor):
            operations.retire(row, actor=actor, reason=data["reason"])

        @listing(OutageOut)                      # GET <key>/outages/, by page
        def outages(self, row):
            return row.outages.all()

        @outages.mapping.post                    # POST <key>/outages/, 201
        @adding(OutageIn, OutageOut)
        def add_outage(self, row, data, actor):
            return operations.add_outage(row, actor=actor, **data)

    # catalog: incidents/urls.py
    api_routes = [("services", ServiceViewSet, "service")]

The base does the rest: 401, 404 for what is invisible, 403 for what is visible but not allowed,
one transaction per write with origin `api`, Idempotency-Key on each POST, ETag and If-Match, pages.
Refusals (`DomainError`) become problem documents. Verbs with hyphens: method `send_back` is
`send-back/`. Scopes of tokens: `scope_read`, `scope_write`. `derived = True` where the answer
holds more than the row (blockers): it is then never answered by 304.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from django.db import models, transaction
from django.http import Http404
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from config.access.delegations import act_for
from config.access.masking import masked
from config.access.reading import note_reads
from config.access.restricted import traced
from config.access.visibility import access_for, require
from config.apikit import idempotency, masking, versions
from config.apikit.history import HistoryOut, HistoryPages, described
from config.apikit.pagination import NewestFirst
from config.apikit.permissions import OPEN, VIEW
from config.apikit.rows import shape_of
from config.audit.tracking import lock
from config.organisation.models import Scope, User
from config.origin import Origin, acting

__all__ = [
    "OPEN",
    "VIEW",
    "Creates",
    "Edits",
    "Histories",
    "Removes",
    "Resource",
    "adding",
    "listing",
    "verb",
]

type Inputs = Mapping[str, type[BaseSerializer[Any]]]
type Handler = Callable[..., Response]
ACTING_FOR = "X-Watchbill-Acting-For"  # the user name of whom the caller stands in for
SAFE = ("GET", "HEAD")


class Resource[M: models.Model](GenericViewSet[M]):
    """A list and single rows, read through `visible_to`; rooms add what else can be done."""

    model: ClassVar[type[models.Model]]
    out: ClassVar[type[BaseSerializer[Any]]]
    inputs: ClassVar[Inputs] = {}
    outputs: ClassVar[Inputs] = {}  # where an action answers with another serializer than `out`
    action_permissions: ClassVar[Mapping[str, str]] = {}
    create_in: ClassVar[str] = ""
    derived: ClassVar[bool] = False
    filterset_class: ClassVar[Any] = None
    history_hides: ClassVar[tuple[str, ...]] = ()
    scope_read: ClassVar[str] = Scope.INCIDENT_READ
    scope_write: ClassVar[str] = Scope.INCIDENT_WRITE
    http_method_names = ["get", "head", "post", "patch", "delete"]
    lookup_value_regex = "[^/]+"
    along: list[Any] | None = None  # records shown with the list that is being answered

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Empty on purpose: the schema reads the model from it, and nothing can leak through."""
        super().__init_subclass__(**kwargs)
        if "model" in cls.__dict__:
            nothing: Any = cls.model._default_manager.none()
            cls.queryset = nothing

    def door(self) -> models.QuerySet[M]:
        """The rows that the caller may know of."""
        manager: Any = self.model._default_manager
        rows: models.QuerySet[M] = manager.visible_to(self.request.user)
        return rows

    def shown(self, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        """A room adds select_related and the like, so that a list needs no query per row."""
        return rows

    def get_queryset(self) -> models.QuerySet[M]:
        """Visible rows, ready to be shown."""
        if getattr(self, "swagger_fake_view", False):
            nothing: Any = self.model._default_manager.none()
            return nothing  # type: ignore[no-any-return]  # the schema only reads its model
        return self.shown(traced(self.door()))

    def get_object(self) -> M:
        """The row of this address: 404 when invisible, 403 when the action is not allowed."""
        name = self.lookup_url_kwarg or self.lookup_field
        wanted = {self.lookup_field: self.kwargs[name]}
        if "\0" in str(self.kwargs[name]):
            raise Http404
        row: M = get_object_or_404(self.get_queryset(), **wanted)
        self.record = row  # a refusal will be about it
        self.check_object_permissions(self.request, row)
        if self.along is None:
            note_reads([row], self.request._request)
        else:
            self.along.append(row)
        return row

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """The serializer of the answer."""
        handler = getattr(type(self), self.action or "", None)
        answer: type[BaseSerializer[Any]] | None = getattr(handler, "answer", None)
        return answer or self.outputs.get(self.action or "", self.out)

    def input_class(self) -> type[BaseSerializer[Any]] | None:
        """The serializer of what this action takes, if it takes anything."""
        handler = getattr(type(self), self.action or "", None)
        return getattr(handler, "given", None) or self.inputs.get(self.action or "")

    def validated(self, **options: Any) -> dict[str, Any]:
        """The body, checked by the action's input serializer."""
        given = self.input_class()
        if given is None:
            return {}
        serializer = given(data=self.request.data, context=self.get_serializer_context(), **options)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def answer(self, row: Any, *, status: int = 200) -> Response:
        """The row as the action shows it, with its ETag."""
        serializer = self.get_serializer(row)
        (data,) = masking.for_reader(type(serializer), [row], [serializer.data], self.request.user)
        return versions.tagged(Response(data, status=status), row)

    def page(self, rows: Any, **options: Any) -> Response:
        """One page of rows, by their shape where that is known (`config.apikit.rows`)."""
        kind: Any = self.get_serializer_class()
        shape = shape_of(kind)
        if shape is None or getattr(rows, "model", None) is not shape.model:
            return self._page_of(
                rows, lambda found: self.get_serializer(found, many=True, **options).data
            )
        pages = cast("NewestFirst", self.paginator)
        narrow = shape.narrowed(rows, pages.get_ordering(self.request, rows, self))
        return self._page_of(
            narrow, lambda found: shape.read(found, self.get_serializer(**options))
        )

    def _page_of(self, rows: Any, shown: Callable[[Any], Any]) -> Response:
        found = self.paginate_queryset(rows)
        note_reads((*(self.along or ()), *(found or ())), self.request._request)
        said = masking.for_reader(
            self.get_serializer_class(), found or (), shown(found), self.request.user
        )
        return self.get_paginated_response(said)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After the checks, put every write into one transaction with origin `api`."""
        super().initial(request, *args, **kwargs)
        principal = request.headers.get(ACTING_FOR)
        if principal is not None and isinstance(request.user, User):
            act_for(request.user, principal)
        name = (request.method or "").lower()
        if request.method not in SAFE and self.action:
            handler = getattr(self, name)
            setattr(self, name, functools.partial(self._write, handler))

    def _write(self, handler: Handler, request: Request, *args: Any, **kwargs: Any) -> Response:
        with acting(Origin.API), transaction.atomic():
            if request.method != "POST":
                return handler(request, *args, **kwargs)
            claim = idempotency.claim(request)
            if claim is None:
                return handler(request, *args, **kwargs)
            if claim.kept is not None:
                if self.detail:
                    self.get_object()  # whoever may no longer do it gets no old answer either
                return claim.replay()
            return claim.keep(handler(request, *args, **kwargs))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Newest first, a page at a time."""
        return self.page(self.filter_queryset(self.get_queryset()))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One row; 304 when the caller has this version already."""
        row = self.get_object()
        if not self.derived and versions.known(request, row):
            return versions.tagged(Response(status=304), row)
        return self.answer(row)


class Creates:
    """POST on the list: one operation, 201 with Location."""

    def create(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Check the body, then the right on its container, then create."""
        data = self.validated()
        verb_needed = self.action_permissions["create"]
        if verb_needed != OPEN:
            require(request.user, verb_needed, self.container_for(data))
        row = self.perform_create(data, request.user)
        response: Response = self.answer(row, status=201)
        key = getattr(row, self.lookup_field)
        response["Location"] = request.build_absolute_uri(f"{request.path}{key}/")
        return response

    def container_for(self: Any, data: Mapping[str, Any]) -> models.Model:
        """Whose rights decide: by default the input named by `create_in`."""
        container: models.Model = data[self.create_in]
        return container

    def perform_create(self, data: dict[str, Any], actor: User) -> Any:
        """Call the operation and return the new row."""
        raise NotImplementedError


class Edits:
    """PATCH with If-Match: one operation on the version that the caller has seen."""

    def partial_update(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Lock, compare versions, edit."""
        row = self.get_object()
        versions.expect(request, lock(row))
        data = self.validated(partial=True)
        if not data:
            raise ValidationError("Name at least one field to change.", code="nothing_given")
        return self.answer(self.perform_edit(row, data, request.user) or row)  # type: ignore[no-any-return]  # self is Any

    def perform_edit(self, row: Any, data: dict[str, Any], actor: User) -> Any:
        """Call the operation; return the row, or nothing where it was changed in place."""
        raise NotImplementedError


class Removes:
    """DELETE with If-Match: one operation, 204."""

    def destroy(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Lock, compare versions, remove."""
        row = self.get_object()
        versions.expect(request, lock(row))
        self.perform_remove(row, request.user)
        return Response(status=204)

    def perform_remove(self, row: Any, actor: User) -> None:
        """Call the operation."""
        raise NotImplementedError


class Histories:
    """GET <key>/history/: who changed what, when, why and from where."""

    @action(detail=True, methods=["get"], pagination_class=HistoryPages, filter_backends=[])
    def history(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every change of the row, newest first."""
        row = self.get_object()
        rows = row.history.select_related("history_user")
        hidden = {*self.history_hides, *masked(access_for(request.user), row)}
        found = described(self.paginate_queryset(rows), rows, request.user, hidden)
        return self.get_paginated_response(found)  # type: ignore[no-any-return]  # self is Any

    history.answer = HistoryOut  # type: ignore[attr-defined]  # read by the schema
    history.lists = True  # type: ignore[attr-defined]  # read by the schema


def verb(
    given: type[BaseSerializer[Any]] | None = None,
    *,
    answer: type[BaseSerializer[Any]] | None = None,
    status: int = 200,
) -> Callable[[Callable[..., Any]], Any]:
    """POST `<key>/<verb>/`: `method(self, row, data, actor)` calls one operation.

    What it returns is shown by `answer` (by default the row, by the resource's own serializer).
    """

    def decorate(method: Callable[..., Any]) -> Any:
        handler = adding(given, answer, status=status)(method)
        path = method.__name__.replace("_", "-")
        return action(detail=True, methods=["post"], url_path=path)(handler)

    return decorate


def adding(
    given: type[BaseSerializer[Any]] | None,
    answer: type[BaseSerializer[Any]] | None = None,
    *,
    status: int = 201,
) -> Callable[[Callable[..., Any]], Any]:
    """The body of a verb without its route: for `@<listing>.mapping.post`."""

    def decorate(method: Callable[..., Any]) -> Any:
        @functools.wraps(method)
        def handle(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            row = self.get_object()
            result = method(self, row, self.validated(), request.user)
            response: Response = self.answer(row if result is None else result, status=status)
            return response

        handle.given, handle.answer, handle.status = given, answer, status  # type: ignore[attr-defined]  # read by Resource and the schema
        return handle

    return decorate


def listing(
    answer: type[BaseSerializer[Any]], *, pages: type[NewestFirst] = NewestFirst
) -> Callable[[Callable[..., Any]], Any]:
    """GET `<key>/<name>/`: `method(self, row)` returns a queryset, shown by page."""

    def decorate(method: Callable[..., Any]) -> Any:
        @functools.wraps(method)
        def handle(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            self.along = []  # one trace for the record and its list
            response: Response = self.page(method(self, self.get_object()))
            return response

        handle.answer, handle.lists = answer, True  # type: ignore[attr-defined]  # read by Resource and the schema
        path = method.__name__.replace("_", "-")
        options: dict[str, Any] = {"pagination_class": pages, "filter_backends": []}
        return action(detail=True, methods=["get"], url_path=path, **options)(handle)

    return decorate
