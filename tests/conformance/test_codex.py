from tests.conformance.suite import WholeConformance


class TestCodex(WholeConformance):
    harness = "codex"
