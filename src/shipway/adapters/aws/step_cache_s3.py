"""The team's cache of results in S3: signed manifests by key, bodies by their SHA-256.

An entry is two objects, so that finding one costs one small request:

    <prefix>/<key>              "shipway-signed 1 <Ed25519 signature, base64>", then the manifest
    <prefix>/body/<sha256>      the body, which the manifest names by its digest

The signature covers the key and the manifest, so no entry can stand in for another one, and no
part of it can be changed. The body goes up first: a manifest never names what is not there.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shipway.adapters.aws.step_cache_signature import (
    NoSuchKeyPair,
    NotGenuine,
    Signer,
    verified,
)
from shipway.adapters.aws.step_cache_uploads import Uploads
from shipway.errors import ShipwayError
from shipway.model.lazy import dataclass
from shipway.ports import Clock

if TYPE_CHECKING:  # stubs only; the packages are not installed with Shipway
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client

_LARGEST_MANIFEST: Final = 16 * 2**20
_CHUNK: Final = 2**20
_SLOWEST: Final = 2**20  # bytes a second; slower than that, running again wins
_PATIENCE_S: Final = 10.0
_ABSENT: Final = frozenset({"NoSuchKey", "404"})
_EXISTS: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412"})
_UNCONDITIONAL: Final = frozenset({"NotImplemented", "501"})
_NO_ANSWER: Final = (ClientError, BotoCoreError, ShipwayError, TimeoutError)


def s3_client(region: str, endpoint: str | None = None) -> S3Client:
    """Return a client that gives up soon: a cache that is slow is no cache.

    With an endpoint, that of the embedded default, which checks no credentials.
    """
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"total_max_attempts": 1},
        user_agent_extra="shipway",
        proxies={} if endpoint else None,  # a proxy cannot reach our loopback
        s3={"addressing_style": "path"} if endpoint else None,
    )
    if endpoint is None:
        return boto3.Session(region_name=region).client("s3", config=config)
    session = boto3.Session("000000000000", "embedded", region_name=region)
    return session.client("s3", endpoint_url=endpoint, config=config)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the entries are: names of objects begin with `prefix`, which may be empty."""

    name: str
    prefix: str = ""

    def manifest(self, key: str) -> str:
        """Return the name of a key's object."""
        return "/".join(filter(None, (self.prefix.strip("/"), key)))

    def body(self, sha256: str) -> str:
        """Return the name of the object with that content."""
        return self.manifest(f"body/{sha256}")


class S3Entries:
    """The `Remote` of the step cache, in a bucket; safe from several threads.

    Args:
        client: makes the client, when it is first needed; may raise.
        bucket: where the entries are.
        public_key: Ed25519, 32 bytes in base64.
        signing_key: gives the private key, 32 bytes in base64, when first needed; may raise. None
            where nothing may be written.
        clock: for deadlines.
        warn: tells about "cache"; called in the threads that use this, never in those that upload.
    """

    def __init__(
        self,
        client: Callable[[], S3Client],
        bucket: Bucket,
        *,
        public_key: str,
        signing_key: Callable[[], str] | None,
        clock: Clock,
        warn: Callable[[str, str], None],
    ) -> None:
        self._make, self._bucket, self._clock, self._warn = client, bucket, clock, warn
        self._public_key, self._signing_key = public_key, signing_key
        self._uploads = Uploads(clock.monotonic)
        self._off = False
        self._failed_uploads: list[str] = []
        self._lock = RLock()

    def manifest(self, key: str) -> bytes | None:
        """Return the manifest of a key, its signature checked; None without one that is fit."""
        if self._off:
            return None
        try:
            found = b"".join(self._object(self._bucket.manifest(key), most=_LARGEST_MANIFEST))
            return verified(key, found, self._public_key)
        except _Absent:
            return None
        except (NotGenuine, _WrongLength) as wrong:
            self._warn("cache", f"the team's entry {key:.12} is refused: {wrong}")
        except _NO_ANSWER as failed:
            self._switch_off(failed)
        return None

    def fetch(self, sha256: str, size: int, write: Callable[[bytes], object]) -> bool:
        """Hand a body on in chunks; False when it was not that one, or not all of it."""
        if self._off:
            return False
        digest, length = hashlib.sha256(), 0
        try:
            for chunk in self._object(self._bucket.body(sha256), most=size):
                digest.update(chunk)
                length += len(chunk)
                write(chunk)
        except _Absent:
            self._warn("cache", f"the team's files {sha256:.12} are not there any more")
            return False
        except _WrongLength as wrong:
            self._warn("cache", f"the team's files {sha256:.12} are refused: {wrong}")
            return False
        except _NO_ANSWER as failed:
            self._switch_off(failed)
            return False
        if length != size or digest.hexdigest() != sha256:
            self._warn("cache", f"the team's files {sha256:.12} are refused: not what was signed")
            return False
        return True

    def offer(self, key: str, manifest: bytes, path: Path, sha256: str, size: int) -> None:
        """Upload in the background, if it may."""
        if self._off or self._signer is None:
            return
        signed = self._signer.signed(key, manifest)

        def upload() -> None:
            self._upload(key, signed, path, (sha256, size))

        if not self._uploads.add(key, upload):
            self._warn("cache", f"{key:.12} is not uploaded: too many wait already")

    def close(self, patience_s: float) -> None:
        """Wait for uploads, at most that long, and give up the rest, which is told."""
        left = self._uploads.close(0 if self._off else patience_s)
        if left:
            self._warn("cache", f"{len(left)} results were not uploaded in {patience_s:g} s")
        with self._lock:
            for message in self._failed_uploads:
                self._warn("cache", message)
            self._failed_uploads.clear()

    @cached_property
    def _client(self) -> S3Client:
        with self._lock:
            return self._make()

    @cached_property
    def _signer(self) -> Signer | None:
        if self._signing_key is None:
            return None
        try:
            return Signer(self._signing_key(), self._public_key)
        except ShipwayError as unknown:
            self._warn("cache", f"nothing is uploaded: {unknown.message}")
        except NoSuchKeyPair as wrong:
            self._warn("cache", f"nothing is uploaded: {wrong}")
        return None

    def _object(self, name: str, *, most: int) -> Iterator[bytes]:
        """Give an object's content in chunks, of which no more than `most` bytes are read."""
        deadline = self._clock.monotonic() + _PATIENCE_S + most / _SLOWEST
        try:
            answer = self._client.get_object(Bucket=self._bucket.name, Key=name)
        except ClientError as error:
            if _code(error) in _ABSENT:
                raise _Absent from error
            raise
        with answer["Body"] as body:
            if answer["ContentLength"] > most:
                raise _WrongLength("it is too large")
            while chunk := body.read(_CHUNK):
                yield chunk
                if self._clock.monotonic() > deadline:
                    raise TimeoutError("it is slower than 1 MiB/s")

    def _upload(self, key: str, signed: bytes, path: Path, of: tuple[str, int]) -> None:
        digest, size = of
        try:
            with io.FileIO(path) as file, io.BufferedReader(_Front(file, size), _CHUNK) as body:
                name = self._bucket.body(digest)
                self._client.put_object(Bucket=self._bucket.name, Key=name, Body=body)
            self._put_once(self._bucket.manifest(key), signed)
        except (ClientError, BotoCoreError, ShipwayError, OSError, ValueError) as failed:
            with self._lock:
                self._failed_uploads.append(f"{key:.12} was not uploaded: {_said(failed)}")

    def _put_once(self, name: str, signed: bytes) -> None:
        # An entry never changes: the first one stays, whoever comes second.
        try:
            self._client.put_object(
                Bucket=self._bucket.name, Key=name, Body=signed, IfNoneMatch="*"
            )
        except ClientError as error:
            if _code(error) in _UNCONDITIONAL:
                self._client.put_object(Bucket=self._bucket.name, Key=name, Body=signed)
            elif _code(error) not in _EXISTS:
                raise

    def _switch_off(self, failed: Exception) -> None:
        # One time-out is enough: each further one would cost every check seconds.
        with self._lock:
            first, self._off = not self._off, True
        if first:
            self._warn("cache", f"the team's cache is not used in this run: {_said(failed)}")


class _Absent(Exception):
    """There is no such object."""


class _WrongLength(Exception):
    """An object is longer than it may be."""


class _Front(io.RawIOBase):
    """The first `size` bytes of a file, as a file: what boto3 can send without holding it."""

    def __init__(self, file: io.FileIO, size: int) -> None:
        self._file, self._size = file, size

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        left = max(0, self._size - self._file.tell())
        return self._file.readinto(memoryview(buffer)[:left])

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            return self._file.seek(self._size + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _said(failed: Exception) -> str:
    if isinstance(failed, ClientError):
        error = failed.response.get("Error", {})
        return f"S3 answered {error.get('Code', '')}: {error.get('Message', '')}"
    return failed.message if isinstance(failed, ShipwayError) else str(failed)
