"""Which serial tests may run at one time: any two files, but one file at a time on the Docker engine, which some kill."""

from xdist.scheduler import LoadFileScheduling

#: serial tests that need the Docker engine to stay up, or not to
ON_ENGINE = ("tests/deploy/", "tests/control_plane/test_first_run.py", "tests/pipelines/test_keys.py")


class EngineScheduling(LoadFileScheduling):  # type: ignore[misc]
    """By file, with those on the Docker engine as one."""

    def _split_scope(self, nodeid: str) -> str:
        return "the Docker engine" if nodeid.startswith(ON_ENGINE) else str(super()._split_scope(nodeid))
