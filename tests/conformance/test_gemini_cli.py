from tests.conformance.suite import LiveConformance


class TestGeminiCli(LiveConformance):
    harness = "gemini_cli"
