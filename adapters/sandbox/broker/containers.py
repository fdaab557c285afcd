"""Containers in one role: what may be made, and whose may be touched. It remembers nothing: labels say it all."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from adapters.sandbox.broker.binds import judge_bind
from adapters.sandbox.broker.config import HOME_LABEL, ROLE_LABEL, SANDBOX_LABEL, BrokerConfig, Role
from adapters.sandbox.broker.documents import Document
from adapters.sandbox.broker.engine import Engine, EngineAway
from adapters.sandbox.broker.made_of import kept_image
from adapters.sandbox.broker.shapes import Judgement, judge_sandbox, label, owned_by
from adapters.sandbox.broker.sources import unsound
from adapters.sandbox.broker.wire import Refusal
from adapters.sandbox.broker.workers import judge_worker


@dataclass(frozen=True, slots=True)
class Containers:
    config: BrokerConfig
    engine: Engine
    profile: Document  #: the strict seccomp profile

    async def judge(self, document: Document, role: Role) -> Judgement:
        """Return what the engine may be sent.

        Raises:
            Refusal: 403, with every field and path that may not be.
        """
        if role is Role.LAUNCHER:
            judgement = self._judge_worker(document)
        else:
            images = await self._images_of(document)
            judgement = judge_sandbox(document, self.config, images, self.profile)
            if judgement.offences == ("Image",):
                raise Refusal(
                    404,
                    f"No such image: {document.get('Image')!r:.300} is not this sandbox's, or none that policy names",
                )
        offences = judgement.offences or await asyncio.to_thread(unsound, judgement.binds)
        if offences:
            raise Refusal(403, *offences)
        return judgement

    def _judge_worker(self, document: Document) -> Judgement:
        if self.config.worker is None:
            raise Refusal(403, "no run worker is configured")
        return judge_worker(document, self.config.home, self.config.worker)

    async def _images_of(self, document: Document) -> frozenset[str]:
        """Return what this sandbox may be made from: what it was made of, else what may be now."""
        sandbox = label(document.get("Labels"), SANDBOX_LABEL)
        own = await asyncio.to_thread(kept_image, self.config.roots.sandboxes, sandbox)
        return frozenset({own}) if own else await self.images(str(document.get("Image", "")))

    async def images(self, asked: str) -> frozenset[str]:
        """Return the permitted images, by their digests too; by the id asked for if it is one of theirs."""
        named = await asyncio.to_thread(self.config.images)
        permitted = named | {name.rpartition("@")[2] for name in named}
        if asked in permitted or not asked.startswith("sha256:"):
            return permitted
        for name in sorted(named):
            status, image = await self.engine.read("GET", f"/images/{quote(name, safe='/:@')}/json")
            if status == 200 and image["Id"] == asked:
                return permitted | {asked}
        return permitted

    async def owned(self, reference: str, role: Role) -> Document:
        """Return the inspection of a container of this factory and role.

        Raises:
            Refusal: 404, the same for a missing container and for somebody else's.
        """
        status, found = await self.engine.read("GET", f"/containers/{reference}/json")
        if status not in (200, 404):
            raise EngineAway(f"the Docker engine answers {status}")
        if status == 404 or not owned_by(found["Config"].get("Labels"), self.config.home, role):
            raise Refusal(404, f"No such container: {reference}")
        return dict(found)

    async def refuse_changed_sources(self, found: Document) -> None:
        """Look at a sandbox's sources again, because the engine opens them at the start only.

        Raises:
            Refusal: 403.
        """
        sandbox = label(found["Config"]["Labels"], SANDBOX_LABEL)
        told = [judge_bind(text, sandbox, self.config.roots) for text in found["HostConfig"].get("Binds") or []]
        if offences := await asyncio.to_thread(unsound, [bind for bind in told if bind]):
            raise Refusal(403, *offences)

    async def network(self, reference: str) -> Document:
        """Return a configured network by its name or id; Refusal 404 for any other."""
        configured = self.config.worker.networks if self.config.worker else ()
        status, found = await self.engine.read("GET", f"/networks/{reference}")
        if status != 200 or found["Name"] not in configured:
            raise Refusal(404, f"network {reference} not found")
        return dict(found)

    async def listed(self, role: Role, *labels: str) -> list[Document]:
        """Return the engine's short descriptions of this role's containers, stopped ones too."""
        ours = [f"{HOME_LABEL}={self.config.home}", f"{ROLE_LABEL}={role.value}", *labels]
        filters = quote(json.dumps({"label": ours}))
        status, found = await self.engine.read("GET", f"/containers/json?all=1&filters={filters}")
        if status != 200:
            raise EngineAway(f"the Docker engine answers {status}")
        return list(found)

    async def of_sandbox(self, sandbox: str) -> list[Document]:
        return await self.listed(Role.SANDBOX, f"{SANDBOX_LABEL}={sandbox}")

    async def remove(self, identity: str) -> None:
        """Kill and remove a container; harmless when it is gone."""
        status, told = await self.engine.read("DELETE", f"/containers/{identity}?force=1&v=1")
        if status not in (204, 404, 409):
            raise EngineAway(f"the Docker engine does not remove a container: {_words(told)}")


def _words(told: Any) -> str:
    return str(told.get("message", ""))[:300] if isinstance(told, dict) else ""
