"""The catalogue of images: by digest or refused, and the most specific line wins."""

import itertools
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import PolicyInvalid
from policy.images import LONGEST, TELLING, ImagePolicy, catalogue, select_image
from resources.policy_files import SHIPPED, load_images, load_policy

HEX = "0123456789abcdef" * 4
ID = f"sha256:{HEX}"
PINNED = f"registry.example.org:5000/factory/python:3.12@{ID}"


def written(folder: Path, **told: object) -> Path:
    (folder / "images.yaml").write_text(yaml.safe_dump(told))
    return folder


def test_as_shipped_nothing_is_named() -> None:
    shipped = load_policy().images
    assert catalogue(shipped) == {}
    assert load_images() == frozenset()
    assert select_image(shipped, "calc", ["python"]) is None
    assert set(yaml.safe_load((SHIPPED / "images.yaml").read_text())) == set(ImagePolicy.model_fields)


def test_the_example_of_the_docs_is_valid() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sandbox-images.md").read_text()
    [example] = re.findall(r"^```yaml\n# policy/rules/images\.yaml\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    policy = ImagePolicy.model_validate(yaml.safe_load(example))
    assert set(catalogue(policy)) == {"languages.node", "languages.python", "repositories.shop"}


@pytest.mark.parametrize(
    "image",
    [ID, PINNED, f"python@{ID}", f"python:3.12@{ID}", f"localhost:5000/a@{ID}", f"a.b/c__d/e-f_g@{ID}", f"a--b@{ID}"],
)
def test_what_is_named_by_digest_may_be_used(image: str) -> None:
    assert ImagePolicy(default=image).default == image


@pytest.mark.parametrize(
    "image",
    [
        "python",
        "python:3.12",
        "python:latest",
        "registry.example.org:5000/factory/python:3.12",
        "localhost:5000/a",
        "a/b",
    ],
)
def test_what_is_not_pinned_is_refused_with_the_way_to_the_digest(tmp_path: Path, image: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        load_policy(written(tmp_path, repositories={"calc": image}))
    words = refused.value.message
    assert words.startswith("images.repositories.calc:")
    for word in (
        "images.yaml",
        repr(image),
        "not pinned by digest",
        f"docker image inspect --format '{{{{.RepoDigests}}}} {{{{.Id}}}}' {image}",
    ):
        assert word in words


HOSTILE = [
    "", " ", "@", "sha256:", f"sha256:{HEX[:-1]}", f"sha256:{HEX}0", f"sha256:{HEX.upper()}", f"SHA256:{HEX}", f"sha512:{HEX}{HEX}",
    f"python@sha256:{HEX[:-1]}", f"python@{ID}@{ID}", f"@{ID}", f"Python@{ID}", f"../x@{ID}", f"/x@{ID}", f"x/@{ID}", f"a//b@{ID}",
    f"-x@{ID}", f"--privileged@{ID}", f"x y@{ID}", f"x\n@{ID}", f"{ID}\n", f" {ID}", f"x;rm@{ID}", f"x$(id)@{ID}", f"x`id`@{ID}", f"x%2f@{ID}",
    f"http://x@{ID}", f"x:y:z@{ID}", f"x?y@{ID}", f"x#y@{ID}", f"x\0@{ID}", f"ü@{ID}", f"x@{ID}?t=1", f"x@md5:{HEX}", "a" * 500, f"{'a/' * 200}b@{ID}",
    HEX, f"x:{'t' * 129}@{ID}",
]  # fmt: skip


@pytest.mark.parametrize("image", HOSTILE)
@pytest.mark.parametrize("place", ["default", "languages", "repositories"])
def test_what_is_no_image_is_refused(image: str, place: str) -> None:
    told = {"default": image, "languages": {"python": image}, "repositories": {"calc": image}}
    with pytest.raises(ValidationError, match=r"is no image|is not pinned|has more than"):
        ImagePolicy.model_validate({place: told[place]})


@pytest.mark.parametrize(
    "told",
    [
        {"images": {}}, {"default": 7}, {"default": [ID]}, {"default": {"image": ID}}, {"languages": {"pyhton": ID}}, {"languages": {"*": ID}},
        {"languages": ID}, {"languages": {"python": None}}, {"repositories": {"../x": ID}}, {"repositories": {"": ID}}, {"repositories": [ID]},
        {"repositories": {"a b": ID}}, [], "x", 7,
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_named(tmp_path: Path, told: object) -> None:
    (tmp_path / "images.yaml").write_text(yaml.safe_dump(told))
    for load in (load_policy, load_images):
        with pytest.raises(PolicyInvalid, match="images"):
            load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a: [", b"x" * 2_000_000, b"default: !!python/object/apply:os.system [id]"]
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "images.yaml").write_bytes(content)
    with pytest.raises(PolicyInvalid, match=r"images\.yaml"):
        load_images(tmp_path)


@given(st.text(max_size=LONGEST + 50))
def test_no_text_passes_that_is_not_pinned(image: str) -> None:
    try:
        ImagePolicy(default=image)
    except ValidationError:
        return
    assert image.rpartition("@")[2].startswith("sha256:")


@pytest.mark.parametrize("image", ["a-" * 180, "a" * 380 + "!", "a_" * 190, "a." * 190 + "@"])
def test_a_long_name_that_is_none_is_refused_without_trying_every_way_to_read_it(image: str) -> None:
    with pytest.raises(ValidationError):
        ImagePolicy(default=image)


IMAGES = {place: f"sha256:{number:064x}" for number, place in enumerate(("default", "python", "node", "calc"), 1)}


@pytest.mark.parametrize(
    ("repository", "languages", "chosen"),
    [
        ("calc", (), "calc"),
        ("calc", ("python", "node"), "calc"),
        ("shop", ("python",), "python"),
        ("shop", ("node",), "node"),
        ("shop", ("python", "node"), "node"),  # the first line of the file
        ("shop", ("node", "python"), "node"),
        ("shop", ("rust",), "default"),
        ("shop", (), "default"),
        ("python", (), "default"),  # a repository's name is no language
        ("", (), "default"),
    ],
)
def test_the_most_specific_line_wins(repository: str, languages: tuple[str, ...], chosen: str) -> None:
    policy = ImagePolicy(
        default=IMAGES["default"],
        languages={"node": IMAGES["node"], "python": IMAGES["python"]},
        repositories={"calc": IMAGES["calc"]},
    )
    assert select_image(policy, repository, languages) == IMAGES[chosen]
    assert set(catalogue(policy).values()) == set(IMAGES.values())


@pytest.mark.parametrize(
    ("repository", "languages"), itertools.product(["calc", "x"], [(), ("python",), tuple(TELLING)])
)
def test_without_a_line_nothing_is_named(repository: str, languages: tuple[str, ...]) -> None:
    assert select_image(ImagePolicy(repositories={"other": ID}), repository, languages) is None
