from tests.conformance.suite import LiveConformance


class TestClaudeCode(LiveConformance):
    harness = "claude_code"
