"""The door for alerts, asked as an ASGI server asks it."""

import asyncio
import json
from typing import Any
from urllib.parse import unquote

from incidents.alerts.intake import Intake


class Server:
    """Runs the intake in a loop of its own, as one process does."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.intake = Intake()

    def post(self, path: str, body: Any = b"", *, method: str = "POST", **headers: str) -> "Reply":
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply: Reply = self.run(self.request(path, [raw], method, headers))
        return reply

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def request(
        self, path: str, parts: list[bytes], method: str = "POST", headers: Any = None
    ) -> "Reply":
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        messages[-1]["more_body"] = False
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        pairs = [(n.lower().encode(), v.encode()) for n, v in (headers or {}).items()]
        address, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(address),
            "raw_path": address.encode("utf-8", "surrogatepass"),
            "query_string": query.encode(),
            "headers": pairs,
        }
        await self.intake(scope, receive, send)
        return Reply(sent)

    def stop(self) -> None:
        self.run(self.intake.shutdown())
        self.loop.close()


class Reply:
    def __init__(self, sent: list[Any]) -> None:
        self.status: int = sent[0]["status"]
        self.headers = {n.decode(): v.decode() for n, v in sent[0]["headers"]}
        self.content: Any = json.loads(sent[1]["body"])
