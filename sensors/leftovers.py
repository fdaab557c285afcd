"""Sandboxes that outlive who made them: found, their attempts recorded, removed."""

from dataclasses import dataclass

import structlog

from domain.errors import SandboxFailed
from domain.execution import EventDraft, Run, SandboxRef
from resources.doors import tell_attempts
from resources.sandboxes import remove
from resources.unowned import nobody_makes
from resources.wiring import Factory

log = structlog.get_logger()


@dataclass(frozen=True)
class Leftovers:
    factory: Factory

    def remove(self, run_id: str) -> None:
        """Remove every sandbox of a run, with whatever still runs in it."""
        for ref in self._found():
            if ref.id.startswith(f"{run_id}-"):
                self._removed(run_id, ref)

    def clear(self) -> None:
        """Remove the sandboxes of all runs at hand, whose workers are dead: the services are about to stop."""
        for lease in self.factory.oversight.live_leases():
            self.remove(lease.run_id)

    def sweep(self) -> list[str]:
        """Remove sandboxes of runs without a live lease, and those without a run when nobody can be using them."""
        found = self._found()  # before the leases are read: a sandbox made after has a lease we would not see
        owned = {lease.run_id for lease in self.factory.oversight.live_leases()} if found else set()
        removed = []
        for ref in found:
            run = self.factory.run_ledger.find_run(run_id=ref.id.rpartition("-")[0])
            if run is None:
                self._sweep_unowned(ref)
            elif run.id not in owned and self._removed(run.id, ref):
                self._note(run, ref)
                removed.append(ref.id)
        return removed

    def _found(self) -> list[SandboxRef]:
        return [ref for sandbox in self.factory.sandboxes.values() for ref in sandbox.leftovers()]

    def _removed(self, run_id: str, ref: SandboxRef) -> bool:
        """Remove a sandbox; one that cannot be removed now must not keep a run from its end, and is swept later."""
        run = self.factory.run_ledger.find_run(run_id=run_id)
        if run is not None:
            tell_attempts(self.factory, run, ref)
        try:
            remove(self.factory, ref)
        except SandboxFailed as error:
            log.warning("sandbox_not_removed", sandbox=ref.id, backend=ref.backend, reason=error.message)
            return False
        return True

    def _sweep_unowned(self, ref: SandboxRef) -> None:
        with nobody_makes(self.factory.settings) as alone:
            if alone:
                self._removed(ref.id, ref)
                log.info("sandbox_of_a_dead_process_removed", sandbox=ref.id, backend=ref.backend)

    def _note(self, run: Run, ref: SandboxRef) -> None:
        draft = EventDraft(
            name="sandbox_orphan_removed",
            payload={"backend": ref.backend, "sandbox": ref.id},
            ticket_id=run.ticket_id,
            run_id=run.id,
            component="recovery",
        )
        self.factory.run_ledger.record_event(draft, lease=None, now=self.factory.now())
