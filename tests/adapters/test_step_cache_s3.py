"""The team's cache in S3, against a real S3 server: what is trusted, and who waits for it."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from mypy_boto3_s3 import S3Client

from shipway.adapters.aws.step_cache_s3 import Bucket, S3Entries, s3_client
from shipway.adapters.aws.step_cache_signature import Signer
from shipway.adapters.aws.step_cache_uploads import Uploads
from shipway.adapters.clock import SystemClock
from shipway.adapters.step_cache.folder import FolderCache
from shipway.adapters.step_cache.layers import LayeredCache
from shipway.errors import LocalIsDown, SecretIsMissing
from shipway.local.home import Home, home, prepare
from shipway.local.installation import ensure
from shipway.local.ministack import STOP_GRACE_S, launch, wait_until_ready
from shipway.local.ports import free_port
from shipway.model.kept import Kept

REGION: Final = "eu-central-1"
KEY, OTHER = "ab" * 32, "cd" * 32
PRIVATE = base64.b64encode(bytes(range(32))).decode()
PUBLIC = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
STRANGER = base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server."""
    place = Home(tmp_path_factory.mktemp("s3") / "state", home(os.environ).cache)
    prepare(place)
    port = free_port(0)
    child = launch(ensure(place.cache, os.environ, print), place, port)
    try:
        wait_until_ready(child, place, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop(STOP_GRACE_S)


@pytest.fixture
def s3(endpoint: str) -> S3Client:
    """A client of the server."""
    return s3_client(REGION, endpoint)


@pytest.fixture
def bucket(s3: S3Client) -> Bucket:
    """An empty bucket of the test's own."""
    made = Bucket(f"cache-{os.urandom(6).hex()}", "team/sender")
    s3.create_bucket(Bucket=made.name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return made


@dataclass
class Machine:
    """One machine of the team: its cache folder, its checkout, and what it was told."""

    folder: Path
    client: Callable[[], S3Client]
    bucket: Bucket
    signing_key: Callable[[], str] | None = None
    public_key: str = PUBLIC
    told: list[str] = field(default_factory=list)

    def entries(self) -> S3Entries:
        """The team's cache, as this machine uses it."""
        return S3Entries(
            self.client,
            self.bucket,
            public_key=self.public_key,
            signing_key=self.signing_key,
            clock=SystemClock(),
            warn=self.warn,
        )

    def cache(self) -> LayeredCache:
        """The caches of one run."""
        local = FolderCache(self.folder / "cache", size=2**30, clock=SystemClock(), warn=self.warn)
        return LayeredCache(local, self.entries(), self.warn)

    def warn(self, about: str, message: str) -> None:
        """Remember what was told."""
        assert about
        self.told.append(message)

    @property
    def root(self) -> Path:
        """Its checkout."""
        root = self.folder / "checkout"
        root.mkdir(parents=True, exist_ok=True)
        return root

    def log(self) -> str:
        """Where its log is."""
        return str(self.folder / "build.log")

    def build(self, cache: LayeredCache, key: str = KEY, text: bytes = b"built\n") -> None:
        """Run the check, and keep what it made."""
        (self.root / "dist").mkdir(exist_ok=True)
        (self.root / "dist" / "main.js").write_bytes(text)
        Path(self.log()).write_text("built\n", encoding="utf-8")
        cache.store(Kept(key, "build", 3.0, "r1", 1.0, ()), str(self.root), ("dist",), self.log())

    def hit(self, key: str = KEY) -> bool:
        """Look for an entry in a run of its own, and restore it."""
        cache = self.cache()
        kept = cache.find(key)
        found = kept is not None and cache.restore(kept, str(self.root), self.log())
        cache.close(10)
        return found


Team = Callable[..., Machine]


@pytest.fixture
def team(s3: S3Client, bucket: Bucket, tmp_path: Path) -> Team:
    """Makes machines of one team, by name."""

    def machine(name: str, *, writes: bool = False) -> Machine:
        key = (lambda: PRIVATE) if writes else None
        return Machine(tmp_path / name, lambda: s3, bucket, key)

    return machine


@pytest.fixture
def filled(team: Team) -> Machine:
    """A machine of CI that has built and uploaded."""
    machine = team("ci", writes=True)
    cache = machine.cache()
    machine.build(cache)
    cache.close(30)
    assert machine.told == []
    return machine


def overwrite(s3: S3Client, bucket: Bucket, key: str, change: Callable[[bytes], bytes]) -> None:
    """Change the object of a key, as somebody with access to the bucket could."""
    name = bucket.manifest(key)
    old = s3.get_object(Bucket=bucket.name, Key=name)["Body"].read()
    s3.put_object(Bucket=bucket.name, Key=name, Body=change(old))


@pytest.mark.usefixtures("filled")
def test_what_ci_built_is_restored_elsewhere(team: Team) -> None:
    """A machine that never built finds the entry, is told that it is remote, and gets the files."""
    laptop = team("laptop")
    kept = laptop.cache().find(KEY)
    assert kept is not None
    assert (kept.remote, kept.check, kept.files[0].path) == (True, "build", "dist/main.js")
    assert laptop.hit()
    assert (laptop.root / "dist/main.js").read_bytes() == b"built\n"
    assert Path(laptop.log()).read_text(encoding="utf-8") == "built\n"
    assert laptop.told == []


@pytest.mark.usefixtures("filled")
def test_finding_does_not_download_the_files(team: Team, s3: S3Client, bucket: Bucket) -> None:
    """Whether to restore is decided on the manifest alone: the files may even be gone."""
    for found in s3.list_objects_v2(Bucket=bucket.name, Prefix="team/sender/body/")["Contents"]:
        s3.delete_object(Bucket=bucket.name, Key=found["Key"])
    laptop = team("laptop")
    assert laptop.cache().find(KEY) is not None
    assert not laptop.hit()
    assert "not there any more" in laptop.told[0]
    assert not (laptop.root / "dist").exists()


@pytest.mark.usefixtures("filled")
def test_what_was_fetched_is_found_here_next_time(team: Team) -> None:
    """A restored entry is this machine's own from then on, without the team's cache."""
    laptop = team("laptop")
    assert laptop.hit()
    laptop.client = lambda: pytest.fail("the team's cache was asked")
    kept = laptop.cache().find(KEY)
    assert kept is not None
    assert not kept.remote


def test_a_miss_is_quiet(team: Team) -> None:
    """A key that nobody has stored is a miss, and nothing to tell."""
    laptop = team("laptop")
    assert not laptop.hit()
    assert laptop.told == []


def test_without_a_key_nothing_is_written(team: Team, s3: S3Client, bucket: Bucket) -> None:
    """A machine that may not write stores for itself only."""
    laptop = team("laptop")
    cache = laptop.cache()
    laptop.build(cache)
    cache.close(10)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket.name)
    assert laptop.hit()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda old: old.partition(b"\n")[2], "not signed"),
        (lambda _: b"", "not signed"),
        (lambda old: old.replace(b'"check":"build"', b'"check":"lint"'), "signature does not fit"),
        (lambda old: old.replace(b'["dist/main.js"', b'["dist/evil.js"'), "signature does not fit"),
        (lambda old: old[:-20], "signature does not fit"),
        (lambda old: old + b"\n", "signature does not fit"),
        (lambda old: old.replace(b"signed 1 ", b"signed 1 !"), "signature does not fit"),
        (lambda old: old + b" " * (16 * 2**20), "too large"),
        (lambda old: Signer(STRANGER, "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=").signed(
            KEY, old.partition(b"\n")[2]), "signature does not fit"),
    ],
    ids=["unsigned", "empty", "check", "path", "cut", "longer", "base64", "huge", "stranger"],
)  # fmt: skip
@pytest.mark.usefixtures("filled")
def test_what_the_team_did_not_sign_is_refused(
    team: Team, s3: S3Client, bucket: Bucket, change: Callable[[bytes], bytes], said: str
) -> None:
    """An entry that is unsigned, changed or signed by somebody else is told, and is a miss."""
    overwrite(s3, bucket, KEY, change)
    laptop = team("laptop")
    assert not laptop.hit()
    assert said in laptop.told[0]
    assert len(laptop.told) == 1
    assert not (laptop.root / "dist").exists()


@pytest.mark.usefixtures("filled")
def test_an_entry_cannot_stand_in_for_another(team: Team, s3: S3Client, bucket: Bucket) -> None:
    """A genuine entry that is copied under another key is refused there."""
    source = f"{bucket.name}/{bucket.manifest(KEY)}"
    s3.copy_object(Bucket=bucket.name, Key=bucket.manifest(OTHER), CopySource=source)
    laptop = team("laptop")
    assert not laptop.hit(OTHER)
    assert "signature does not fit" in laptop.told[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda old: old[:-1], "not what was signed"),
        (lambda old: old[:-1] + bytes([old[-1] ^ 1]), "not what was signed"),
        (lambda old: old + b"x", "too large"),
    ],
    ids=["cut", "flipped", "longer"],
)
@pytest.mark.usefixtures("filled")
def test_files_that_were_changed_are_refused(
    team: Team, s3: S3Client, bucket: Bucket, change: Callable[[bytes], bytes], said: str
) -> None:
    """A body that is not, bit for bit, what the manifest names is told, and nothing is written."""
    for found in s3.list_objects_v2(Bucket=bucket.name, Prefix="team/sender/body/")["Contents"]:
        old = s3.get_object(Bucket=bucket.name, Key=found["Key"])["Body"].read()
        s3.put_object(Bucket=bucket.name, Key=found["Key"], Body=change(old))
    laptop = team("laptop")
    assert not laptop.hit()
    assert said in laptop.told[0]
    assert not (laptop.root / "dist").exists()
    assert laptop.cache().find(KEY) is not None  # the manifest is still the team's own


def test_an_entry_never_changes(filled: Machine, team: Team) -> None:
    """Of two uploads under one key the first one stays, and the second is no problem."""
    second = team("second", writes=True)
    cache = second.cache()
    second.build(cache, text=b"built differently\n")
    cache.close(30)
    assert second.told == filled.told == []
    laptop = team("laptop")
    assert laptop.hit()
    assert (laptop.root / "dist/main.js").read_bytes() == b"built\n"


def test_large_files_travel_whole(team: Team) -> None:
    """Several megabytes that do not compress arrive as they were."""
    text = os.urandom(5 * 2**20 + 17)
    writer, laptop = team("ci", writes=True), team("laptop")
    cache = writer.cache()
    writer.build(cache, text=text)
    cache.close(60)
    assert laptop.hit()
    assert (laptop.root / "dist/main.js").read_bytes() == text


@pytest.mark.parametrize(
    ("key", "said"),
    [(STRANGER, "does not fit the public key"), ("bm8=", "not 32 bytes"), ("@", "not 32 bytes")],
)
def test_a_wrong_signing_key_writes_nothing(
    team: Team, s3: S3Client, bucket: Bucket, key: str, said: str
) -> None:
    """A key that is none, or not the team's, is told once, and never shown."""
    machine = team("ci")
    machine.signing_key = lambda: key
    cache = machine.cache()
    machine.build(cache)
    machine.build(cache, OTHER)
    cache.close(10)
    assert len(machine.told) == 1
    assert said in machine.told[0]
    assert key not in machine.told[0]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket.name)


def test_a_signing_key_that_is_missing_is_told(team: Team) -> None:
    """Where the reference to the key leads nowhere, the run goes on and says so."""
    machine = team("ci")

    def missing() -> str:
        raise SecretIsMissing("nothing behind env:KEY")

    machine.signing_key = missing
    cache = machine.cache()
    machine.build(cache)
    cache.close(10)
    assert machine.told == ["nothing is uploaded: nothing behind env:KEY"]


def test_a_bucket_that_is_not_there_ends_its_use(team: Team) -> None:
    """What S3 refuses is told once, and the run goes on with this machine's cache."""
    machine = team("ci", writes=True)
    machine.bucket = Bucket("no-such-bucket-anywhere")
    cache = machine.cache()
    assert cache.find(KEY) is None
    assert cache.find(OTHER) is None
    machine.build(cache)
    cache.close(10)
    assert len(machine.told) == 1
    assert "NoSuchBucket" in machine.told[0]
    assert cache.find(KEY) is not None


def test_a_refused_upload_is_told_at_the_end(team: Team) -> None:
    """An upload that fails in the background is told when the run ends."""
    machine = team("ci", writes=True)
    machine.bucket = Bucket("no-such-bucket-anywhere")
    cache = machine.cache()
    machine.build(cache)
    cache.close(30)
    assert len(machine.told) == 1
    assert "was not uploaded: S3 answered NoSuchBucket" in machine.told[0]


def test_a_client_that_cannot_be_made_ends_its_use(team: Team) -> None:
    """Without the embedded default, or without credentials, there is no team's cache."""
    machine = team("ci", writes=True)

    def down() -> S3Client:
        raise LocalIsDown("the embedded default is not up")

    machine.client = down
    cache = machine.cache()
    assert cache.find(KEY) is None
    assert cache.find(KEY) is None
    assert machine.told == [
        "the team's cache is not used in this run: the embedded default is not up"
    ]


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in taken:
            connection.close()


def test_one_time_out_is_enough(team: Team, silent: str) -> None:
    """A server that never answers costs one time-out of five seconds, is told once, and is left."""
    machine = team("ci", writes=True)
    machine.client = lambda: s3_client(REGION, silent)
    cache = machine.cache()
    since = time.monotonic()
    assert cache.find(KEY) is None
    first = time.monotonic() - since
    assert cache.find(OTHER) is None
    machine.build(cache)
    cache.close(10)
    assert 4 < first < 8
    assert time.monotonic() - since < first + 2
    assert len(machine.told) == 1
    assert "is not used in this run" in machine.told[0]
    assert cache.find(KEY) is not None


def test_uploads_that_hang_are_given_up(team: Team, silent: str) -> None:
    """Storing never waits for an upload, closing no longer than asked, and the loss is told."""
    machine = team("ci", writes=True)
    machine.client = lambda: s3_client(REGION, silent)
    cache = machine.cache()
    since = time.monotonic()
    for number in range(3):
        machine.build(cache, f"{number:064}")
    assert time.monotonic() - since < 2
    cache.close(0.5)
    assert time.monotonic() - since < 4
    assert machine.told == ["3 results were not uploaded in 0.5 s"]


def test_too_many_uploads_are_refused() -> None:
    """The queue is bounded: what does not fit is refused at once, and the rest is done."""
    uploads, gate, done = Uploads(time.monotonic), threading.Event(), list[int]()

    def act(number: int) -> Callable[[], None]:
        def upload() -> None:
            gate.wait(20)
            done.append(number)

        return upload

    taken = [number for number in range(200) if uploads.add(str(number), act(number))]
    assert 64 <= len(taken) <= 66
    gate.set()
    assert uploads.close(20) == ()
    assert sorted(done) == taken


def test_what_was_given_up_never_starts() -> None:
    """An upload that still waited when patience ended does not start behind everybody's back."""
    uploads, gate, started = Uploads(time.monotonic), threading.Event(), list[str]()

    def hang() -> None:
        started.append("hang")
        gate.wait(20)

    for number in range(5):
        uploads.add(str(number), hang)
    assert len(uploads.close(0.3)) == 5
    workers = [t for t in threading.enumerate() if t.name == "shipway-upload"]
    gate.set()
    for worker in workers:
        worker.join(20)
    assert len(started) <= 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the guide's commands need openssl")
def test_the_guides_commands_make_a_pair(tmp_path: Path) -> None:
    """The commands of the guide give two keys that fit each other and the schema."""
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "share-the-cache.md"
    _, _, rest = guide.read_text(encoding="utf-8").partition("```sh\nopenssl genpkey")
    script = "openssl genpkey" + rest.partition("```")[0]
    done = subprocess.run(
        ["sh", "-eu"], input=script, cwd=tmp_path, text=True, capture_output=True, check=True
    )
    private, public = done.stdout.split()
    assert len(public) == 44
    signed = Signer(private, public).signed(KEY, b"manifest\n")
    assert signed.endswith(b"\nmanifest\n")
