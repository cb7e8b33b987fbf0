"""Lists that tell what changed since they were drawn.

The page keeps key and revision of each of its rows, and asks again every ten seconds; the answer
is the first page as it stands now, so what commits late is never missed, and an entity tag makes
it 304 where nothing differs. It costs what drawing the page costs, less the drawing.
"""

import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from config.adminkit.matching import UnfitAddress, rows_of
from config.adminkit.scoping import actor_of
from config.errors import Invalid


def answer(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The state of the list's first page as it is now; 304 to whoever has it already."""
    try:
        rows = rows_of(model_admin, actor_of(request), request.GET.urlencode())
    except (UnfitAddress, Invalid) as error:
        return JsonResponse({"detail": str(error)}, status=400)
    pairs = rows.values_list("pk", "revision")[: model_admin.list_per_page]
    state = json.dumps([list(pair) for pair in pairs])
    tag = f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(state, content_type="application/json")
    response["ETag"] = tag
    return response
