from tests.conformance.suite import LiveConformance


class TestCodex(LiveConformance):
    harness = "codex"
