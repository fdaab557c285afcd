"""Which script a request belongs to, how often its faults have happened, and what came in and went out."""

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from domain.execution import Usage
from tests.support.model.script import Fault, Script
from tests.support.model.wire import Refused

MARK = re.compile(r"\bscript:([A-Za-z0-9_-]{1,64})(#[A-Za-z0-9_-]{1,64})?")


@dataclass
class Seen:
    """One request. `sent` is what the answer told of its usage, as far as it was written."""

    provider: str
    method: str
    path: str  #: without its query
    auth: str | None  #: the header that carried the key, e.g. `x-api-key`
    key: str | None
    conversation: str | None = None
    model: str | None = None
    stream: bool = False
    turn: int | None = None
    fault: str | None = None
    status: int | None = None  #: None while there are no headers
    problem: str | None = None  #: why it was refused, when no script says so
    sent: Usage = field(default_factory=Usage)
    over: bool = False  #: the server has done with it, well or badly; a client may know its answer a moment before


class Book:
    """Safe for threads. Holds no conversation: only counts."""

    def __init__(self, scripts: Iterable[Script]) -> None:
        given = list(scripts)
        self.scripts = {script.name: script for script in given}
        if len(self.scripts) != len(given):
            raise ValueError("two scripts have one name")
        if not given:
            raise ValueError("a model without a script says nothing")
        self._seen: list[Seen] = []
        self._happened: dict[tuple[str, int], int] = {}
        self._changed = threading.Condition()

    def choose(self, prompts: str, upstream: str | None, key: str | None) -> tuple[Script, str]:
        """Return the script and the name of the conversation, `NAME` or `NAME#LABEL`.

        The first of these that names a script: `script:NAME` or `script:NAME#LABEL` in the prompt, words in it that a
        script waits for, `/s/NAME` before the path, the API key; else the only script there is.

        Raises:
            Refused: none does.
        """
        for name, label in MARK.findall(prompts):
            if name in self.scripts:
                return self.scripts[name], name + label
        heard = [script for script in self.scripts.values() if script.heard and script.heard in prompts]
        keyed = [script for script in self.scripts.values() if script.key == key and key is not None]
        lone = list(self.scripts.values()) if len(self.scripts) == 1 else []
        named = [self.scripts[upstream]] if upstream in self.scripts else []
        for script in (*heard, *named, *keyed, *lone):
            return script, script.name
        raise Refused(f"no script is named by the prompt, the path or the key; there are {sorted(self.scripts)}")

    def due(self, conversation: str, turn: int, fault: Fault | None) -> Fault | None:
        """Count the fault and return it, or None when it has happened as often as it should."""
        if fault is None:
            return None
        with self._changed:
            happened = self._happened.get((conversation, turn), 0)
            if fault.times is not None and happened >= fault.times:
                return None
            self._happened[conversation, turn] = happened + 1
            return fault

    def arrive(self, seen: Seen) -> Seen:
        with self._changed:
            self._seen.append(seen)
            self._changed.notify_all()
        return seen

    def change(self, seen: Seen, **values: object) -> None:
        with self._changed:
            for name, value in values.items():
                setattr(seen, name, value)
            self._changed.notify_all()

    def requests(self) -> list[Seen]:
        """Return every request so far, in the order of arrival."""
        with self._changed:
            return list(self._seen)

    def sent(self, conversation: str | None) -> Usage:
        """Return what was told to a conversation, `NAME` being all of `NAME#LABEL`; None is everything."""
        mine = [
            one.sent
            for one in self.requests()
            if conversation is None or one.conversation == conversation
            or (one.conversation or "").startswith(f"{conversation}#")
        ]  # fmt: skip
        return Usage(
            input_tokens=sum(one.input_tokens for one in mine),
            cached_input_tokens=sum(one.cached_input_tokens for one in mine),
            output_tokens=sum(one.output_tokens for one in mine),
        )

    def wait_for(self, what: Callable[[list[Seen]], bool], seconds: float) -> list[Seen]:
        """Return the requests as soon as `what` holds of them. Raises: TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: what(self._seen), seconds):
                raise TimeoutError(f"it did not happen within {seconds} s; seen: {self._seen}")
            return list(self._seen)
