"""The stand-in as tests use it: started, asked what came in and went out, refusing, stopped."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from domain.execution import Usage
from tests.support.model.book import Book, Seen
from tests.support.model.handler import Handler
from tests.support.model.listener import HOST, Listener
from tests.support.model.script import Script


class Model:
    """A stand-in for the model APIs of OpenAI, Anthropic and Google. Its scripts say what is answered."""

    def __init__(self, scripts: Iterable[Script], port: int = 0) -> None:
        self.book = Book(scripts)
        self.listener = Listener(type("Door", (Handler,), {"stand_in": self}), port)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.listener.port}"

    @property
    def requests(self) -> list[Seen]:
        """Every request so far, in the order of arrival."""
        return self.book.requests()

    def at(self, name: str) -> str:
        """Return the address at which every conversation that names no script has this one."""
        return f"{self.url}/s/{name}"

    def sent(self, conversation: str | None = None) -> Usage:
        """Return the usage that answers told: of `NAME`, of `NAME#LABEL`, or of everything."""
        return self.book.sent(conversation)

    def wait_for(self, what: Callable[[list[Seen]], bool], seconds: float = 30) -> list[Seen]:
        """Return the requests as soon as `what` holds of them. Raises: TimeoutError."""
        return self.book.wait_for(what, seconds)

    def refuse(self) -> None:
        """Stop listening and reset every connection."""
        self.listener.refuse()

    def listen(self) -> None:
        """Take connections again, at the same address."""
        self.listener.listen()

    def close(self) -> None:
        self.listener.close()


@contextmanager
def scripted_model(scripts: Iterable[Script], port: int = 0) -> Iterator[Model]:
    """Serve the scripts until the block ends. A mistake of the stand-in's own is raised there."""
    model = Model(scripts, port)
    try:
        yield model
    finally:
        model.close()
    if model.listener.crashes:
        raise ExceptionGroup(
            "the scripted model made mistakes", [RuntimeError(repr(e)) for e in model.listener.crashes]
        )
