from tests.conformance.suite import WholeConformance


class TestGeminiCli(WholeConformance):
    harness = "gemini_cli"
