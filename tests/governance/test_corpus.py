"""Pull requests to real projects, each with one planted defect: its rule blocks it, alone; no clean twin is blocked."""

from collections import Counter
from collections.abc import Iterator

import pytest

from policy.governance.model import RULES
from resources.governance.verdict import judge_again
from tests.governance.corpus.court import Court, blocking, in_session
from tests.governance.corpus.grounds import GROUNDS
from tests.governance.corpus.table import CASES, PAIRS, Case

REPLAYS = 10
FIRST = list(
    {(case.pair.rule, case.is_defect): case for case in reversed(CASES)}.values()
)  #: one of each rule and kind


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Court]:
    assert pytestconfig.cache is not None
    with in_session(tmp_path_factory.mktemp("corpus"), pytestconfig.cache.mkdir("sdists"), GROUNDS) as opened:
        yield opened


@pytest.mark.e2e
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_change_is_judged_for_what_it_is(court: Court, case: Case) -> None:
    report = court.judge(case.pair, case.change, case.ground)
    wanted = {case.pair.rule} | case.pair.unknown if case.is_defect else set()
    told = blocking(report)
    assert set(told) == wanted, [one for one in report.verdicts if one.rule in set(told) ^ wanted]
    if case.is_defect:
        assert told[case.pair.rule] is case.pair.verdict
    replays = REPLAYS if case in FIRST else 1
    assert all(judge_again(court.factory, report).verdicts == report.verdicts for _ in range(replays))


@pytest.mark.e2e
@pytest.mark.parametrize("rule", ["lint", "secrets", "vulnerabilities"])
def test_gathered_again_from_nothing_a_change_is_judged_the_same(court: Court, rule: str) -> None:
    case = next(one for one in FIRST if one.pair.rule == rule)
    told = []
    for _ in range(2):
        court.written.clear()
        report = court.judge(case.pair, case.change, case.ground)
        told.append([(one.rule, one.verdict) for one in report.verdicts])
    assert court.written
    assert told[0] == told[1]


def test_every_rule_has_its_pairs_and_each_project_its_part() -> None:
    assert {rule: count for rule, count in Counter(pair.rule for pair in PAIRS).items() if count < 2} == {}
    assert {pair.rule for pair in PAIRS} == set(RULES)
    assert len({(pair.rule, pair.name) for pair in PAIRS}) == len(PAIRS)
    assert {case.ground for case in CASES} == set(GROUNDS)
    assert len(GROUNDS) >= 3
    assert {
        rule for rule in RULES if {case.ground for case in CASES if case.pair.rule == rule} != set(GROUNDS)
    } == set()
