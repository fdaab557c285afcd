"""One side of an HTTP exchange: h11 says what may be said, streams carry it."""

import asyncio
from collections.abc import Callable

import h11

from adapters.egress.refusing import Refused

CHUNK = 32768
Count = Callable[[int], None]


class Wire:
    """Sends and receives h11's events. `count` is told every byte before it is sent, and may refuse it."""

    def __init__(
        self,
        role: type[h11.CLIENT] | type[h11.SERVER],
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        count: Count,
        head_bytes: int,
    ) -> None:
        self.reader, self.writer = streams
        self._machine = h11.Connection(role, max_incomplete_event_size=head_bytes)
        self._count = count

    @property
    def unanswered(self) -> bool:
        """Tell whether a client still waits for the first line of an answer."""
        return self._machine.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    @property
    def early(self) -> bytes:
        """What the peer sent beyond its request."""
        return self._machine.trailing_data[0]

    async def receive(self) -> h11.Event:
        """Return the peer's next event; h11.ConnectionClosed when it has no more to say.

        Raises:
            Refused: the peer does not speak HTTP as it must.
        """
        try:
            while (event := self._machine.next_event()) is h11.NEED_DATA:
                if self._machine.they_are_waiting_for_100_continue:
                    await self.send(h11.InformationalResponse(status_code=100, headers=[]))
                self._machine.receive_data(await self.reader.read(CHUNK))
        except h11.RemoteProtocolError as error:
            if self._machine.our_role is h11.CLIENT:
                raise Refused("bad-answer", 502) from error
            raise Refused("malformed", error.error_status_hint) from error
        return h11.ConnectionClosed() if isinstance(event, type) else event  # paused: it has said all it may

    async def send(self, event: h11.Event) -> None:
        """Send an event.

        Raises:
            Refused: it does not fit what was said before, such as a body longer than its length.
        """
        try:
            data = self._machine.send(event)
        except h11.LocalProtocolError as error:
            raise Refused("malformed", 400) from error
        if data:
            self._count(len(data))
            self.writer.write(data)
            await self.writer.drain()

    async def answer(self, status: int, headers: dict[str, str], text: str = "") -> None:
        """Send a whole answer of our own, the last on this connection."""
        body = text.encode()
        told = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), "connection": "close"}
        await self.send(h11.Response(status_code=status, headers=list({**told, **headers}.items())))
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())
