from tests.conformance.suite import WholeConformance


class TestClaudeCode(WholeConformance):
    harness = "claude_code"
