"""An answer to somebody who is still sending."""

from typing import Any, Final

from anyio import move_on_after
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.webhooks import LARGEST

PATIENCE: Final = 30.0  #: seconds that a sender may go on
MOST_DROPPED: Final = 2 * LARGEST  #: bytes read after the answer; whoever sends more may lose it


class Lingering(Response):
    """Is said at once; what still comes is then read and dropped, so that closing does not take the answer away.

    A connection that is closed with unread bytes is reset, and a reset discards what its sender has not read yet.
    """

    def __init__(self, content: str, status: int, headers: dict[str, Any], *, patience: float = PATIENCE) -> None:
        super().__init__(content, status, {**headers, "connection": "close"}, media_type="application/json")
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with move_on_after(self._patience):
            await _drop(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop(receive: Receive) -> None:
    dropped = 0
    while dropped <= MOST_DROPPED:
        message = await receive()
        dropped += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
