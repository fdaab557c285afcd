"""The artifact store of a home, for who only reads."""

from adapters.artifacts.contract import ArtifactStore
from adapters.artifacts.local import LocalArtifactStore
from resources.settings import Settings


def open_artifacts(settings: Settings) -> ArtifactStore:
    return LocalArtifactStore(settings.artifacts_dir)
