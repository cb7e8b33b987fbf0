"""Templates brought into force for tests, and what is refused by them."""

from typing import Any

from tests.incidents import governed


def asks(field: str, stage: str = "open", **more: Any) -> dict[str, Any]:
    return {"field": field, "stage": stage, **more}


def govern(*demands: dict[str, Any], **where: str) -> Any:
    answer = governed.activate("intake-templates", {"demands": list(demands), **where})
    assert answer.status_code == 200, answer.data
    return answer


def report(**more: Any) -> dict[str, Any]:
    return {"title": "Slow", "service": "checkout", "level": "error", **more}


def keys_of(errors: Any) -> set[tuple[str, str]]:
    return {(each["pointer"].removeprefix("#/"), each["code"]) for each in errors}
