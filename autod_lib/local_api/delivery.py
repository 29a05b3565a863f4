"""Answers that do not arrive as they should: connections closed before, in the middle or byte by byte.

Decided here: how a connection is broken off. This is the only place that knows which server runs the application: it takes the connection
from uvicorn's own `send`. Called by server.py.
"""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


def with_connection(app: ASGIApp) -> ASGIApp:
    """The application, with the connection under it at hand as `scope["connection"]` (`disconnected`, `transport`)."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["connection"] = getattr(send, "__self__", None)
        await app(scope, receive, send)

    return outer


class Broken(Response):
    """No answer (`drop`, `drop-after`), half of one (`drop-middle`), or one a byte at a time (`drip`)."""

    def __init__(self, how: str, body: bytes = b"", headers: dict[str, str] | None = None, pause_s: float = 0.0) -> None:
        super().__init__(body, 200, headers)
        self.how, self.pause_s = how, pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is to arrive, then close if the connection is to be closed."""
        connection: Any = scope["connection"]
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        if self.how == "drip":
            await send(start)
            for at in range(len(self.body)):
                await send({"type": "http.response.body", "body": bytes(self.body)[at : at + 1], "more_body": True})
                if connection.disconnected:
                    return
                await asyncio.sleep(self.pause_s)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if self.how == "drop-middle":
            await send(start)
            await send({"type": "http.response.body", "body": bytes(self.body)[: len(self.body) // 2], "more_body": True})
        connection.transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass
