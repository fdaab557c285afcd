"""OpenHands takes five seconds to start, more where others work: tried with what its recordings cannot show."""

import pytest

from tests.conformance.bench import Bench, chat
from tests.conformance.cases import MODEL, SUCCEEDS
from tests.conformance.suite import TEST, LiveConformance, check, tokens
from tests.support.openhands import needs_openhands


@needs_openhands
class TestOpenHands(LiveConformance):
    harness = "openhands"
    faults = ("unauthorized", "rate_limit", "context_overflow", "cut", "refused")
    stalls = ("stall",)

    @pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
    def backend(self, request: pytest.FixtureRequest) -> str:
        """Images hold it only where an operator wants it there (deploy/install-openhands --image)."""
        return str(request.param)

    @pytest.mark.bubblewrap
    def test_it_speaks_to_apis_like_openais_too(self, live: Bench) -> None:
        with live.work(self.harness, "fix") as work:
            told = work.run(model=MODEL, base_url=chat())
            check(told, SUCCEEDS)
            assert work.sh(TEST)[0] == 0
            assert {one.path for one in told.requests} == {"/v1/chat/completions"}
            assert tokens(told.outcome.usage) == tokens(work.sent())
