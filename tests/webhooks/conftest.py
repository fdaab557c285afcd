from pathlib import Path

import pytest

from tests.support.webhooks.published import Example, published
from tests.support.webhooks.sending import SECRET, Sender, enrol, make_sender

HELLO = "https://github.com/Codertocat/Hello-World"


@pytest.fixture
def sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sender:
    """A factory with `hello` enrolled from GitHub, its secret given."""
    for name in ("FACTORY_DATABASE_URL", "FACTORY_POLICY_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FACTORY_SECRET_WEBHOOK_HELLO", SECRET)
    made = make_sender(tmp_path / "home")
    enrol(made.factory, "hello", HELLO)
    return made


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return published()
