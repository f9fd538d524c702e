"""What an image carries about itself: its bill of materials, and how it was built."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from shipway.image.provenance import RUN_LABEL, provenance
from shipway.image.sbom import bill_of_materials, package_url
from shipway.model.contents import Contents, Package, PackageKind
from shipway.model.service import ImageRules
from shipway.testing.builders import a_commit, a_digest, a_source

NPM, DEB, APK = PackageKind.NPM, PackageKind.DEB, PackageKind.APK
REPOSITORY = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/team/sender"
SOURCE = replace(a_source("a"), remote="https://git.example.test/sender.git")
FULL = Contents(
    packages=(
        Package(DEB, "libstdc++6", "12.2.0-14", architecture="amd64"),
        Package(NPM, "@scope/name", "1.2.3+build", "MIT"),
        Package(NPM, "odd", "1.0.0", "SEE LICENSE IN file"),
        Package(NPM, "silent", "0.0.1"),
    ),
    system="debian",
    system_version="12",
    read=(DEB, NPM),
    unread=("rpm",),
)
RULES = ImageRules(
    "team/sender",
    "Dockerfile",
    ".",
    ("BASE_IMAGE", "COMMIT"),
    tag_branch=True,
    secrets=(("token", "env:NPM_TOKEN"),),
)


def an_sbom(contents: Contents = FULL, word: str = "a") -> str:
    """The bill of materials of an image with that in it."""
    return bill_of_materials("sender", SOURCE, REPOSITORY, a_digest(word), contents)


@pytest.mark.parametrize(
    "contents",
    [FULL, Contents(()), Contents((Package(APK, "musl", "1.2.4-r2", "MIT", "x86_64"),))],
    ids=["full", "empty", "alpine"],
)
def test_the_bill_is_cyclonedx(contents: Contents) -> None:
    """Whatever was found, the document holds to the published schema of CycloneDX 1.6."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(an_sbom(contents)) is None


def test_a_broken_bill_would_be_noticed() -> None:
    """The schema is not one that takes anything."""
    broken = an_sbom().replace('"container"', '"vessel"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_the_same_image_has_the_same_bill() -> None:
    """Number and time follow from digest and commit, so nothing differs from run to run."""
    assert an_sbom() == an_sbom()
    numbers = {json.loads(an_sbom(word=word))["serialNumber"] for word in ("a", "b")}
    assert len(numbers) == 2
    assert json.loads(an_sbom())["metadata"]["timestamp"] == SOURCE.committed_at


def test_the_bill_is_about_the_digest() -> None:
    """The component that it describes is the image under this digest, at this commit."""
    about = json.loads(an_sbom())["metadata"]["component"]
    assert about["hashes"] == [{"alg": "SHA-256", "content": a_digest("a")[7:]}]
    assert about["version"] == SOURCE.commit
    found = PackageURL.from_string(about["purl"])
    assert (found.name, found.version) == ("sender", a_digest("a"))
    assert found.qualifiers == {"repository_url": REPOSITORY}


def test_each_package_is_a_component() -> None:
    """Names, versions and licences are in it: an SPDX id as such, another text as a name."""
    found = {each["name"]: each for each in json.loads(an_sbom())["components"]}
    assert set(found) == {"libstdc++6", "@scope/name", "odd", "silent"}
    assert found["@scope/name"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert found["odd"]["licenses"] == [{"license": {"name": "SEE LICENSE IN file"}}]
    assert "licenses" not in found["silent"]


def test_the_bill_never_claims_to_be_whole() -> None:
    """It says that it is incomplete, and of each kind of database whether it was there."""
    found = json.loads(an_sbom())
    assert [each["aggregate"] for each in found["compositions"]] == ["incomplete"]
    assert {p["name"].rpartition(":")[2]: p["value"] for p in found["metadata"]["properties"]} == {
        "apk": "not in the image",
        "deb": "read",
        "npm": "read",
        "rpm": "in the image, and not read",
    }


@pytest.mark.parametrize(
    ("package", "system", "version"),
    [
        (Package(NPM, "@scope/name", "1.2.3+build"), "debian", "12"),
        (Package(NPM, "plain", "1.0.0"), "", ""),
        (Package(DEB, "libstdc++6", "1:12.2.0-14+b1~x", architecture="amd64"), "debian", "12"),
        (Package(DEB, "tzdata", "2025b"), "", ""),
        (Package(APK, "musl", "1.2.4-r2", "MIT", "x86_64"), "alpine", "3.20.1"),
    ],
)
def test_a_package_url_can_be_read_back(package: Package, system: str, version: str) -> None:
    """The reference implementation reads name, version and system out of our package URLs."""
    found = PackageURL.from_string(package_url(package, system, version))
    full_name = package.name if package.kind is not NPM else f"{found.namespace or ''}/{found.name}"
    assert full_name.removeprefix("/") == package.name
    assert (found.type, found.version) == (package.kind.value, package.version)
    qualifiers = dict(found.qualifiers)
    assert qualifiers.get("arch", "") == package.architecture
    if package.kind is not NPM:
        assert found.namespace == (system or "debian")
        assert qualifiers.get("distro", "") == (f"{system}-{version}" if version else "")


def a_statement(rules: ImageRules = RULES, **labels: str) -> str:
    """The provenance of an image that has such labels."""
    return provenance(
        rules,
        source=SOURCE,
        repository=REPOSITORY,
        digest=a_digest("a"),
        labels={key.replace("_", "."): value for key, value in labels.items()},
    )


def test_provenance_is_a_statement_about_the_digest() -> None:
    """It is an in-toto statement of SLSA's kind whose subject is the image's digest."""
    found = json.loads(a_statement())
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://slsa.dev/provenance/v1"
    assert found["subject"] == [{"name": REPOSITORY, "digest": {"sha256": a_digest("a")[7:]}}]


def test_provenance_names_commit_and_rules() -> None:
    """It says from which commit, with which file, context and arguments the image was built."""
    definition = json.loads(a_statement())["predicate"]["buildDefinition"]
    assert definition["resolvedDependencies"] == [
        {
            "uri": "git+https://git.example.test/sender.git",
            "digest": {"gitCommit": a_commit("a")},
            "name": "main",
        }
    ]
    asked = definition["externalParameters"]
    assert (asked["dockerfile"], asked["context"], asked["from"]) == ("Dockerfile", ".", "commit")
    assert asked["buildArgs"] == ["BASE_IMAGE", "COMMIT"]


def test_provenance_tells_when_it_was_not_the_commit_alone() -> None:
    """An image that took in what checks made says so, and which checks."""
    found = json.loads(a_statement(replace(RULES, needs=("build",))))
    asked = found["predicate"]["buildDefinition"]["externalParameters"]
    assert (asked["from"], asked["needs"]) == ("working folder", ["build"])


def test_provenance_names_the_run_that_built() -> None:
    """The run is the one on the image's label; an image without it names none."""
    assert RUN_LABEL == "dev.shipway.run"
    details = json.loads(a_statement(dev_shipway_run="run-7"))["predicate"]["runDetails"]
    assert details["metadata"] == {"invocationId": "run-7"}
    assert json.loads(a_statement())["predicate"]["runDetails"]["metadata"] == {}


def test_provenance_holds_no_reference_to_a_secret() -> None:
    """Ids of secrets are told; neither values nor where they are kept."""
    assert '"token"' in a_statement()
    assert "NPM_TOKEN" not in a_statement()
