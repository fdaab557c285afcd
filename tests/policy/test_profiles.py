"""Eight roles of substance; what a ticket leaves out is its profile's; a run keeps the profile it began with."""

from pathlib import Path

import pytest
import yaml

from domain.errors import InvalidInput, PolicyInvalid
from domain.governance import Clearance, Verdict
from domain.profiles import Profile, ProfileSnapshot, snapshot
from domain.tickets import Manifest, Risk, Tier
from policy.autonomy import Change, decide, effective_risk
from policy.work_order import manifest_as_assigned, profile_of, work_order
from resources.policy_files import MAX_BYTES, MAX_PROFILES, SHIPPED_PROFILES, load_policy
from tests.policy.facts import manifest

POLICY = load_policy()
PROFILES = POLICY.profiles
EIGHT = {
    "developer", "backend-engineer", "frontend-engineer", "ux-designer", "ui-designer", "qa", "reviewer", "docs-writer",
}  # fmt: skip
SEED = {
    "name": "seed",
    "version": 3,
    "persona": "You test profiles. " * 20,
    "capabilities": ["node>=20"],
    "default-verify": "npm test",
    "engine-class": "agentic-coder",
    "prefers-engine": ["claude", "codex"],
    "allowed-scope": ["web/*"],
    "review-policy": {"reviewers": ["ann"]},
}


def test_the_eight_are_there_and_differ():
    assert set(PROFILES) == EIGHT
    assert len({one.persona for one in PROFILES.values()}) == len(EIGHT)


@pytest.mark.parametrize("name", sorted(EIGHT))
def test_persona_says_how_it_works_what_it_checks_and_what_it_never_does(name: str):
    persona = PROFILES[name].persona
    assert 12 <= len(persona.splitlines()) <= 30
    assert persona.startswith("You are a")
    for part in ("How you work.", "What you check.", "What you never do."):
        assert len(persona.partition(part)[2].split("\n\n")[0]) > 200
    assert PROFILES[name].engine_class == "agentic-coder"


def test_every_key_of_the_seed_example_is_read_and_round_trips():
    profile = Profile.model_validate(SEED)
    told = profile.model_dump(mode="json")
    assert set(told) == set(SEED)
    assert told["prefers-engine"] == ["claude_code", "codex"]
    assert told["default-verify"] == ["npm test"]
    assert Profile.model_validate(told) == profile


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"persona": "too short"}, "persona"),
        ({"persona": "x" * 20_001}, "persona"),
        ({"version": 0}, "version"),
        ({"version": None}, "version"),
        ({"name": "../x"}, "name"),
        ({"capabilities": ["os:"]}, "capabilities"),
        ({"default-verify": [""]}, "default-verify"),
        ({"engine-class": "a b"}, "engine-class"),
        ({"prefers-engine": ["a b"]}, "prefers-engine"),
        ({"allowed-scope": 7}, "allowed-scope"),
        ({"review-policy": "never"}, "review-policy"),
        ({"persona_": "x"}, "persona_"),
    ],
)
def test_wrong_profile_is_refused_with_its_field(tmp_path: Path, change: dict, field: str):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/seed.yaml").write_text(yaml.safe_dump({**SEED, **change}))
    with pytest.raises(PolicyInvalid, match="name is" if "name" in change else rf"profiles\.seed\.{field}"):
        load_policy(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- a",
        b"a: [",
        b"\xff\xfe\x00",
        b"a: " + b"[" * 5000,
        b"x" * (MAX_BYTES + 1),
        b"!!python/object/apply:os.system [id]",
    ],
)
def test_hostile_profile_stops_the_process_with_its_file(tmp_path: Path, content: bytes):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/bad.yaml").write_bytes(content)
    with pytest.raises(PolicyInvalid, match="bad"):
        load_policy(tmp_path)


def test_profile_that_cannot_be_read_stops_the_process(tmp_path: Path):
    (tmp_path / "profiles/folder.yaml").mkdir(parents=True)
    with pytest.raises(PolicyInvalid, match=r"folder\.yaml"):
        load_policy(tmp_path)


def test_too_many_profiles_are_refused(tmp_path: Path):
    (tmp_path / "profiles").mkdir()
    for number in range(MAX_PROFILES):
        (tmp_path / f"profiles/p{number}.yaml").symlink_to(SHIPPED_PROFILES / "qa.yaml")
    with pytest.raises(PolicyInvalid, match="more than"):
        load_policy(tmp_path)


def test_own_folder_adds_profiles_and_replaces_shipped_ones_whole(tmp_path: Path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/seed.yaml").write_text(yaml.safe_dump(SEED))
    (tmp_path / "profiles/qa.yaml").write_text(yaml.safe_dump({**SEED, "name": "qa"}))
    found = load_policy(tmp_path).profiles
    assert set(found) == EIGHT | {"seed"}
    assert found["qa"].persona == found["seed"].persona
    assert found["developer"] == PROFILES["developer"]


def test_what_a_ticket_leaves_out_is_its_profiles():
    order = work_order(manifest(profile="backend-engineer"), PROFILES["backend-engineer"])
    own = PROFILES["backend-engineer"]
    assert order.verify == own.default_verify != ()
    assert (order.persona, order.engine_class) == (own.persona, own.engine_class)
    scoped = work_order(manifest(profile="docs-writer"), PROFILES["docs-writer"])
    assert scoped.allowed_scope == PROFILES["docs-writer"].allowed_scope != ()


def test_what_a_ticket_says_itself_wins_but_demands_add_up_and_reviews_stay():
    profile = Profile.model_validate(SEED)
    told = manifest(
        profile="seed", verify=["make test"], capabilities=["gpu", "node>=20"], prefers=["engine:gemini"],
        **{"engine-class": "script", "allowed-scope": ["docs/*"]},
    )  # fmt: skip
    order = work_order(told, profile)
    assert order.verify == ("make test",)
    assert order.capabilities == ("gpu", "node>=20")
    assert order.prefers == ("engine:gemini", "engine:claude_code", "engine:codex")
    assert (order.engine_class, order.allowed_scope) == ("script", ("docs/*",))
    assert order.review_policy == {"reviewers": ("ann",)}
    assert work_order(manifest(profile="seed", **{"review-policy": "manual"}), profile).review_policy == "manual"
    assert work_order(manifest(profile="seed", **{"verify-only": ["true"]}), profile).verify == ()


def test_run_works_by_the_ticket_with_its_profiles_share_and_the_chosen_engine():
    profile = Profile.model_validate(SEED)
    told = manifest(profile="seed", title="Mine", engine="auto")
    found = manifest_as_assigned(told, work_order(told, profile), "codex")
    changed = {"engine": "codex", "verify": ("npm test",), "allowed_scope": ("web/*",)}
    assert found == told.model_copy(update={**changed, "review_policy": {"reviewers": ("ann",)}})
    assert Manifest.model_validate(found.model_dump(mode="json")) == found
    plain = manifest()
    assert manifest_as_assigned(plain, work_order(plain, None), plain.engine) == plain


def test_ticket_without_a_profile_is_as_it_is_written():
    told = manifest(verify=["make test"], capabilities=["gpu"])
    order = work_order(told, profile_of(told, PROFILES))
    assert (order.engine, order.verify, order.capabilities) == ("command", ("make test",), ("gpu",))
    assert (order.persona, order.profile, order.engine_class) == ("", None, None)


def test_profile_nobody_knows_is_refused_with_those_that_are():
    assert profile_of(manifest(profile="qa"), PROFILES) == PROFILES["qa"]
    with pytest.raises(InvalidInput, match="known are backend-engineer, developer"):
        profile_of(manifest(profile="wizard"), PROFILES)
    with pytest.raises(InvalidInput, match="known are none"):
        profile_of(manifest(profile="wizard"), {})


def test_snapshot_keeps_its_digest_and_an_edit_gets_another():
    profile = Profile.model_validate(SEED)
    taken = snapshot(profile)
    again = Profile.model_validate({key: SEED[key] for key in reversed(SEED)})
    assert snapshot(again).sha256 == taken.sha256
    edited = Profile.model_validate({**SEED, "persona": SEED["persona"] + "!"})
    assert snapshot(edited).sha256 != taken.sha256
    stored = ProfileSnapshot.model_validate_json(taken.model_dump_json())
    assert stored == taken
    assert snapshot(stored.profile).sha256 == stored.sha256


def test_edited_profile_does_not_reach_an_order_that_was_given(tmp_path: Path):
    told = manifest(profile="qa")
    order = work_order(told, PROFILES["qa"])
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/qa.yaml").write_text(yaml.safe_dump({**SEED, "name": "qa"}))
    after = work_order(told, load_policy(tmp_path).profiles["qa"])
    assert order.profile and after.profile
    assert order.profile.sha256 != after.profile.sha256
    assert order.persona == order.profile.profile.persona == PROFILES["qa"].persona


@pytest.mark.parametrize(
    "path", ["policy/profiles/qa.yaml", "policy/rules/routing.yaml", "factory/policy/profiles/qa.yaml"]
)
@pytest.mark.parametrize("tier", Tier)
def test_change_of_a_profile_or_rule_needs_a_persons_word(path: str, tier: Tier):
    risk = effective_risk(Risk.LOW, [path], POLICY.approvals)
    change = Change(tier=tier, risk=risk, verdict=Verdict.PASS, manifest=manifest(), paths=(path,))
    assert risk is Risk.HIGH
    assert decide(change, POLICY.approvals).clearance is Clearance.NEEDS_APPROVAL
