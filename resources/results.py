"""Rebuilding a run's result from nothing but what was stored of it."""

from adapters.quarantine.contract import Admitted, Ground
from domain.errors import NotFound, TreeMismatch
from resources.wiring import Factory


def rebuild(factory: Factory, run_id: str) -> Admitted:
    """Make a run's result again from its base commit and its patch artifact.

    Raises:
        NotFound: no such run, it has no patch, or the artifact is gone.
        TreeMismatch: what comes out is not the tree that was recorded.
    """
    run = factory.run_ledger.find_run(run_id=run_id)
    if run is None or run.patch is None:
        raise NotFound(f"{run_id} has no stored patch to rebuild from")
    repository = factory.lookup.repository(factory.lookup.ticket(run.ticket_id).manifest.repository)
    ground = Ground(repository=repository.name, mirror=repository.remote, commit=run.patch.base_sha)
    patch = factory.artifacts.get(run.patch.artifact)
    rebuilt = factory.quarantine.replay(ground, patch, patch_limit=factory.settings.patch_limit)
    if rebuilt.tree_sha != run.patch.tree_sha:
        raise TreeMismatch(f"{run_id}: rebuilt tree {rebuilt.tree_sha[:12]}, recorded {run.patch.tree_sha[:12]}")
    return rebuilt
