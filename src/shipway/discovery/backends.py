"""Which databases and brokers the code talks to, and under which variables it looks for them."""

from __future__ import annotations

import re

from shipway.discovery.project import Project
from shipway.model.lazy import dataclass

_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b")
_LIBPQ = frozenset({"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"})
_PRISMA = re.compile(r"provider\s*=\s*\"(\w+)\"")


@dataclass(frozen=True, slots=True)
class Backend:
    """A service that tests need beside them.

    `image` is what it runs from unless the variable `image_variable` names another; `test` is the
    command of its health check. `address` is its URL on the inner network, `host` and `port` the
    same in two. `words` are parts of the names of variables that lead to it.
    """

    name: str
    title: str
    image_variable: str
    image: str
    test: str
    address: str
    port: int
    words: tuple[str, ...]
    libraries: tuple[str, ...]
    usual: str
    env: tuple[tuple[str, str], ...] = ()
    retries: int = 30


MONGO = Backend(
    name="mongo",
    title="MongoDB",
    image_variable="MONGO_IMAGE",
    image="mongo:7",
    # an image without mongosh is asked for its port only
    test="mongosh --quiet --eval 'db.runCommand({ping:1})' || nc -w 1 127.0.0.1 27017 </dev/null",
    address="mongodb://mongo:27017/test",
    port=27017,
    words=("MONGO", "MONGODB"),
    libraries=("mongodb", "mongoose", "@nestjs/mongoose", "monk", "papr"),
    usual="MONGO_URL",
)
REDIS = Backend(
    name="redis",
    title="Redis",
    image_variable="REDIS_IMAGE",
    image="redis:7-alpine",
    test="redis-cli ping | grep PONG",
    address="redis://redis:6379",
    port=6379,
    words=("REDIS",),
    libraries=("ioredis", "redis", "@redis/client", "bull", "bullmq", "connect-redis"),
    usual="REDIS_URL",
)
KAFKA = Backend(
    name="kafka",
    title="Kafka",
    image_variable="KAFKA_IMAGE",
    image="apache/kafka:3.9.1",
    test="nc -w 1 127.0.0.1 9092 </dev/null",
    address="kafka:9092",
    port=9092,
    words=("KAFKA",),
    libraries=("kafkajs", "@confluentinc/kafka-javascript", "node-rdkafka", "@platformatic/kafka"),
    usual="KAFKA_BROKERS",
    env=(
        ("KAFKA_NODE_ID", "1"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:9092"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        ("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
    ),
    retries=60,
)
POSTGRES = Backend(
    name="postgres",
    title="PostgreSQL",
    image_variable="POSTGRES_IMAGE",
    image="postgres:17-alpine",
    test="pg_isready -U postgres -d test",
    # the password is the network's own: nothing outside of it can reach this database
    address="postgres://postgres:postgres@postgres:5432/test",
    port=5432,
    words=("POSTGRES", "POSTGRESQL", "PG", "DATABASE", "DB"),
    libraries=("pg", "postgres", "pg-promise", "@databases/pg", "slonik"),
    usual="DATABASE_URL",
    env=(("POSTGRES_PASSWORD", "postgres"), ("POSTGRES_DB", "test")),
)
BACKENDS = (MONGO, REDIS, KAFKA, POSTGRES)


def backends(project: Project) -> tuple[Backend, ...]:
    """Return what the code talks to, by its libraries, and by Prisma's provider."""
    providers = {
        found
        for path in project.seen.paths
        if path.endswith(".prisma")
        for found in _PRISMA.findall(project.seen.text(path))
    }
    also = {"postgresql": POSTGRES.name, "mongodb": MONGO.name}
    prisma = {also[p] for p in providers if p in also}
    return tuple(b for b in BACKENDS if project.has(*b.libraries) or b.name in prisma)


def variables(project: Project, backend: Backend) -> tuple[tuple[str, str], ...]:
    """Return the variables of the code that lead to a backend, sorted, each with its value there.

    Empty where the code names none. Only upper-case names with one of its words count.
    """
    texts = (project.seen.text(p) for p in sorted(project.seen.texts))
    names = {name for text in texts for name in _VARIABLE.findall(text)}
    found = [(name, _value(name, backend)) for name in sorted(names)]
    return tuple((name, value) for name, value in found if value)


def _value(name: str, backend: Backend) -> str:
    """Return what a variable has to hold; empty where it is not the backend's, or no address."""
    first, _, last = name.rpartition("_")
    if name in _LIBPQ:
        first, last = "PG", name.removeprefix("PG")
    if first.partition("_")[0] not in backend.words:
        return ""
    postgres = backend is POSTGRES
    values = {
        ("URL", "URI", "DSN"): backend.address,
        ("BROKERS", "BROKER", "SERVERS"): f"{backend.name}:{backend.port}",
        ("HOST", "HOSTNAME"): backend.name,
        ("PORT",): str(backend.port),
        ("NAME", "DATABASE", "DB"): "test",
        ("USER", "USERNAME", "PASSWORD"): "postgres" if postgres else "",
    }
    return next((value for words, value in values.items() if last in words), "")
