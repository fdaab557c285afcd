"""Killed between any two calls to the forge, or right after one whose answer is lost: one comment, one set of checks."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from domain.heads import HeadState
from factory_pipelines.governance.stages.context import Presented
from factory_pipelines.governance.stages.runner import Stage, run_stage
from policy.governance.model import RULES
from tests.governing.house import House, house

pytestmark = pytest.mark.dagster
WRITES = ("report", "tell_checks", "object_to")


class Killed(BaseException):
    """What a SIGKILL leaves: nothing after it runs, not even what would put the head back."""


class Deadly:
    """The local forge, whose user dies at one of its writes: before it, or after it took effect."""

    def __init__(self, forge: Any, at: int, *, after: bool) -> None:
        self._forge = forge
        self._left = at
        self._after = after
        self.writes: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._forge, name)
        return self._deadly(name, found) if name in WRITES else found

    def _deadly(self, name: str, call: Any) -> Any:
        def called(*words: Any, **more: Any) -> Any:
            self.writes.append(name)
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            answer = call(*words, **more)
            if self._left == 0:
                raise Killed
            return answer

        return called


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACTORY_SANDBOX", "process")
        with house(tmp_path_factory.mktemp("home"), scanning=False) as made:
            made.delivered()
            yield made


def walk(home: House, forge: Any) -> None:
    """Judge what waits as one Dagster run would, without Dagster."""
    (request,) = home.tick(later=home.world.factory.settings.not_started_limit)
    factory = replace(home.world.factory, forges={"local": forge})
    presented = Presented(str(request.partition_key), "one", int(request.tags["factory/fence"]))
    for stage in Stage:
        run_stage(factory, presented, stage)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_one_comment_and_one_set_of_checks_whenever_it_is_killed(
    home: House, write: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from factory_pipelines.governance.stages import runner  # noqa: PLC0415

    forge = home.world.factory.forges["local"]
    head = home.world.factory.heads.find("calc", 1)
    if head is not None:
        told = (head.repository, head.number, head.head_sha, head.policy_sha256)
        home.world.factory.heads.want(*told, now=home.world.factory.now(), again=True)
    with monkeypatch.context() as dead, pytest.raises(Killed):
        dead.setattr(runner, "_put_back", lambda *_words: None)  # the dead put nothing back
        walk(home, Deadly(forge, write, after=after))
    assert home.head().state is HeadState.ASKED
    alive = Deadly(forge, 0, after=False)
    walk(home, alive)
    assert alive.writes == ["report", "report", "tell_checks", "object_to"]
    assert home.head().state is HeadState.TOLD
    assert [path.name for path in (home.said() / "comments").iterdir()] == ["governance.md"]
    checks = (home.said() / "checks.json").read_text()
    assert all(checks.count(f'"governance/{rule}"') == 1 for rule in RULES)
    assert len(home.world.factory.governance.reports(repository="calc", number=1)) == 1
