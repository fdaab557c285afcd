import threading

from adapters._vendor.fetching import Fetcher
from adapters.registry.looking_up import Question, look_up_all, questions
from adapters.registry.npm import NpmRegistry
from adapters.registry.pypi import PypiRegistry
from adapters.registry.shelf import Shelf
from domain.changes import Dependency, Ecosystem, Known
from tests.adapters.registry.answers import npm_registry, python_index
from tests.adapters.registry.servers import registry_stand_in


def test_each_thing_is_asked_once_and_only_of_registries():
    def asked(name, **told):
        return Dependency(**({"ecosystem": Ecosystem.PYPI, "name": name, "path": "x"} | told))

    found = questions(
        [
            asked("a", version="1", specifier="==1"),
            asked("a", version="1", specifier="==1", path="y"),
            asked("a", specifier=">=1"),
            asked("b", origin="vcs"),
        ]
    )
    assert found == (Question(Ecosystem.PYPI, "a", "1", ""), Question(Ecosystem.PYPI, "a", None, ">=1"))


def test_answers_come_in_order_from_both_registries():
    with registry_stand_in(python_index() | npm_registry()) as server:
        registries = {
            Ecosystem.PYPI: PypiRegistry(Fetcher(f"{server.address}/simple"), Shelf(None)),
            Ecosystem.NPM: NpmRegistry(Fetcher(server.address), Shelf(None)),
        }
        asked = [Question(one, "demo", None, spec) for one in Ecosystem for spec in ("", "<2.0.0", ">=99")] * 5
        found = look_up_all(registries, asked)
        assert [(one.ecosystem, one.version) for one in found] == [
            (one, version)
            for one, versions in ((Ecosystem.PYPI, ("2.0", "1.0", None)), (Ecosystem.NPM, ("2.0.0", "1.5.0", None)))
            for version in versions
        ] * 5
        assert look_up_all({}, asked[:1])[0].known is Known.OFFLINE
        assert look_up_all(registries, []) == ()


def test_what_has_no_answer_in_time_is_offline():
    with registry_stand_in(npm_registry()) as server:
        server.held.clear()
        registries = {Ecosystem.NPM: NpmRegistry(Fetcher(server.address), Shelf(None))}
        found = look_up_all(registries, [Question(Ecosystem.NPM, "demo", "1.0.0", "")] * 30, seconds=0.2)
        assert {one.known for one in found} == {Known.OFFLINE}
        assert len(found) == 30
        server.held.set()
        working = [one for one in threading.enumerate() if one.name.startswith("registry")]
        for one in working:
            one.join(60)
        assert len(server.asked) <= len(working)
