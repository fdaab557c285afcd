"""Which tests may run at one time: any two files, but one test at a time on the Docker engine, which some kill, and one
at a time of those that let many agents work at once."""

from typing import Any

from xdist.scheduler import LoadFileScheduling

PLACES = (
    "tests/adapters/sandbox/test_container_broker",
    "tests/adapters/sandbox/test_docker.py",
    "tests/control_plane/test_first_run.py",
    "tests/deploy/",
    "tests/execution/test_images_on_docker.py",
    "tests/hostile/test_docker.py",
)
MANY_AGENTS = ("tests/e2e/test_killed_agents.py", "tests/e2e/test_paused_agents.py")


def on_engine(nodeid: str) -> bool:
    """Tell whether a test needs the Docker engine to stay up, or not to."""
    return nodeid.startswith(PLACES) or "[docker" in nodeid


class EngineScheduling(LoadFileScheduling):  # type: ignore[misc]
    """By file, in the order of collection; what is on the Docker engine is one file, whatever file it is in; so are many agents."""

    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        if on_engine(nodeid):
            return "the Docker engine"
        return "many agents" if nodeid.startswith(MANY_AGENTS) else str(super()._split_scope(nodeid))
