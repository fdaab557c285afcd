"""Webhook deliveries: signed, sent in order by one thread, kept so that tests can look, lose, hold and repeat them."""

import hashlib
import hmac
import json
import threading
import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import requests

PATIENCE = 10.0  # seconds, as GitHub waits


@dataclass(frozen=True)
class Target:
    url: str
    secret: str | None
    content_type: str = "json"
    hook_id: int | None = None  #: None: an App's own webhook
    kind: str = "repository"
    target_id: int = 0


@dataclass
class Delivery:
    id: int
    guid: str
    event: str
    action: str | None
    repository: str
    target: Target
    payload: dict[str, Any]
    at: datetime
    redelivery: bool = False
    status: int | None = None  #: None: not sent, or nobody answered
    lost: bool = False

    def letter(self) -> tuple[bytes, dict[str, str]]:
        text = json.dumps(self.payload, separators=(",", ":"))
        form = self.target.content_type == "form"
        body = (urlencode({"payload": text}) if form else text).encode()
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
            "User-Agent": "GitHub-Hookshot/stand-in",
            "X-GitHub-Delivery": self.guid,
            "X-GitHub-Event": self.event,
            "X-GitHub-Hook-ID": str(self.target.hook_id or 0),
            "X-GitHub-Hook-Installation-Target-ID": str(self.target.target_id),
            "X-GitHub-Hook-Installation-Target-Type": self.target.kind,
        }
        if self.target.secret:
            key = self.target.secret.encode()
            headers["X-Hub-Signature"] = f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}"
            headers["X-Hub-Signature-256"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        return body, headers


@dataclass
class Webhooks:
    deliveries: list[Delivery] = field(default_factory=list)
    held: bool = False  #: keep what happens back until it is released
    to_lose: int = 0  #: so many of the next are never sent
    _queue: deque[Delivery] = field(default_factory=deque)
    _busy: int = 0
    _stopped: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None

    def add(self, target: Target, event: str, repository: str, payload: dict[str, Any]) -> Delivery:
        """Keep a delivery and send it soon."""
        with self._changed:
            action = payload.get("action")
            one = Delivery(
                len(self.deliveries) + 1,
                str(uuid.uuid4()),
                event,
                action,
                repository,
                target,
                payload,
                datetime.now(UTC),
            )
            self.deliveries.append(one)
            if self.to_lose:
                self.to_lose -= 1
                one.lost = True
            else:
                self._post(one)
        return one

    def repeat(self, delivery: Delivery) -> Delivery:
        """Send a delivery again, with the same guid and payload."""
        with self._changed:
            again = replace(delivery, id=len(self.deliveries) + 1, redelivery=True, status=None, lost=False)
            self.deliveries.append(again)
            self._post(again)
        return again

    def release(self, *, reverse: bool = False) -> None:
        """Send what was held, newest first when `reverse`."""
        with self._changed:
            self.held = False
            if reverse:
                self._queue.reverse()
            self._changed.notify_all()

    def settle(self, timeout: float = 30) -> bool:
        """Wait until everything was sent; False when it was not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(PATIENCE + 5)

    def _post(self, one: Delivery) -> None:
        self._queue.append(one)
        if not self._thread:
            self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while one := self._next():
            try:
                one.status = _send(one)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _next(self) -> Delivery | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or (self._queue and not self.held))
            if self._stopped:
                return None
            self._busy += 1
            return self._queue.popleft()


def _send(one: Delivery) -> int | None:
    body, headers = one.letter()
    try:
        answer = requests.post(one.target.url, data=body, headers=headers, timeout=PATIENCE, allow_redirects=False)
    except requests.RequestException:
        return None
    return answer.status_code
