"""A double of MongoDB for integration tests: mongomock behind MongoDB's own wire protocol.

It is not MongoDB. It answers official drivers (tried with Node's, version 6) for insert, update,
delete, findAndModify, find with sort, skip, limit and projection, aggregate, count, unique indexes
(error 11000) and drop. It keeps everything in memory, runs one command at a time, and answers each
query in a single batch. It has no users, replica set, sessions, transactions or change streams;
a command that it does not know it refuses with MongoDB's own error 59.

Source: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
"""

import contextlib
import signal
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

# These three are installed in the image, not where the code is checked.
import bson  # type: ignore[import-not-found, unused-ignore]  # only in the image
import mongomock  # type: ignore[import-not-found, import-untyped, unused-ignore]  # only in the image
from pymongo.errors import (  # type: ignore[import-not-found, unused-ignore]  # only in the image
    DuplicateKeyError,
    OperationFailure,
)

Document = dict[str, Any]  # BSON has no narrower type
Act = Callable[[Document], Document]

HEADER = struct.Struct("<iiii")  # length of all, request id, id answered to, opcode
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CHECKSUM_PRESENT, MORE_TO_COME = 1 << 0, 1 << 1
PORT = 27017

client: Any = mongomock.MongoClient()
one_at_a_time = threading.Lock()


# What the commands need


def target(command: Document) -> Any:  # noqa: ANN401 - mongomock is untyped
    """The collection that a command names as the value of its first field."""
    return client[command["$db"]][next(iter(command.values()))]


def batch(command: Document, documents: list[Document]) -> Document:
    """A cursor that is exhausted at once."""
    namespace = f"{command['$db']}.{next(iter(command.values()))}"
    return {"cursor": {"id": bson.Int64(0), "ns": namespace, "firstBatch": documents}}


def is_change(update: Document) -> bool:
    """Whether an update changes fields (`$set`, ...) rather than replacing the document."""
    return any(key.startswith("$") for key in update)


def each(writes: list[Document], write: Act) -> Document:
    """Writes in order up to the first duplicate key; adds up what was written."""
    total: Document = {"n": 0, "nModified": 0}
    for index, one in enumerate(writes):
        try:
            done = write(one)
        except DuplicateKeyError as error:
            refused = {"index": index, "code": 11000, "errmsg": str(error)}
            return total | {"writeErrors": [refused]}
        total["n"] += done["n"]
        total["nModified"] += done.get("nModified", 0)
        if "upserted" in done:
            total.setdefault("upserted", []).append({"index": index, "_id": done["upserted"]})
    return total


# The commands, each from its document to its reply


def hello(_command: Document) -> Document:
    """A standalone server that speaks as MongoDB 7.0 does, but offers no sessions."""
    return {
        "ismaster": True,
        "isWritablePrimary": True,
        "helloOk": True,
        "maxBsonObjectSize": 16 * 1024 * 1024,
        "maxMessageSizeBytes": 48_000_000,
        "maxWriteBatchSize": 100_000,
        "localTime": datetime.now(UTC),
        "minWireVersion": 0,
        "maxWireVersion": 21,
        "readOnly": False,
    }


def nothing(_command: Document) -> Document:
    """For commands that need no more than an ok."""
    return {}


def insert(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/insert/."""

    def one(document: Document) -> Document:
        target(command).insert_one(document)
        return {"n": 1}

    return each(command["documents"], one)


def update(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/update/."""
    collection = target(command)

    def one(write: Document) -> Document:
        act = collection.replace_one
        if is_change(write["u"]):
            act = collection.update_many if write.get("multi") else collection.update_one
        done = act(write["q"], write["u"], upsert=write.get("upsert", False))
        if done.upserted_id is not None:
            return {"n": 1, "upserted": done.upserted_id}
        return {"n": done.matched_count, "nModified": done.modified_count}

    return each(command["updates"], one)


def delete(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/delete/."""
    collection = target(command)

    def one(write: Document) -> Document:
        act = collection.delete_one if write.get("limit") == 1 else collection.delete_many
        return {"n": act(write["q"]).deleted_count}

    return each(command["deletes"], one)


def find(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/find/."""
    cursor = target(command).find(command.get("filter", {}), command.get("projection"))
    if sort := command.get("sort"):
        cursor = cursor.sort(list(sort.items()))
    # Drivers ask for one document with a negative limit.
    cursor = cursor.skip(command.get("skip", 0)).limit(abs(command.get("limit", 0)))
    return batch(command, list(cursor))


def find_and_modify(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/findAndModify/."""
    collection, query, fields = target(command), command.get("query", {}), command.get("fields")
    sort = list(command.get("sort", {}).items()) or None
    if command.get("remove"):
        return {"value": collection.find_one_and_delete(query, fields, sort=sort)}
    act = collection.find_one_and_replace
    if is_change(command["update"]):
        act = collection.find_one_and_update
    options = {"upsert": command.get("upsert", False), "return_document": command.get("new", False)}
    return {"value": act(query, command["update"], fields, sort=sort, **options)}


def aggregate(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/aggregate/."""
    return batch(command, list(target(command).aggregate(command["pipeline"])))


def count(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/count/."""
    return {"n": target(command).count_documents(command.get("query", {}))}


def create_indexes(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/createIndexes/."""
    for index in command["indexes"]:
        keys, unique = list(index["key"].items()), index.get("unique", False)
        target(command).create_index(keys, name=index["name"], unique=unique)
    return {}


def drop(command: Document) -> Document:
    """https://www.mongodb.com/docs/manual/reference/command/drop/."""
    target(command).drop()
    return {}


COMMANDS: dict[str, Act] = {
    "aggregate": aggregate,
    "count": count,
    "createindexes": create_indexes,
    "delete": delete,
    "drop": drop,
    "endsessions": nothing,
    "find": find,
    "findandmodify": find_and_modify,
    "hello": hello,
    "insert": insert,
    "ismaster": hello,
    "ping": nothing,
    "update": update,
}


def reply_to(command: Document) -> Document:
    """One command in, one reply out; errors are replies too."""
    name = next(iter(command))
    act = COMMANDS.get(name.lower())
    if act is None:
        return failure(59, "CommandNotFound", f"the double does not know {name!r}")
    try:
        with one_at_a_time:
            return act(command) | {"ok": 1.0}
    except DuplicateKeyError as error:
        return failure(11000, "DuplicateKey", str(error))
    except (OperationFailure, NotImplementedError) as error:
        return failure(238, "NotImplemented", f"the double cannot {name!r}: {error}")


def failure(code: int, name: str, message: str) -> Document:
    """A reply that drivers turn into an exception."""
    return {"ok": 0.0, "code": code, "codeName": name, "errmsg": message}


# The wire


def parse(sections: bytes) -> Document:
    """The command in an OP_MSG: its body (kind 0), and the lists of documents sent beside it."""
    command: Document = {}
    beside: Document = {}
    while sections:
        kind, size = struct.unpack_from("<Bi", sections)
        section, sections = sections[1 : 1 + size], sections[1 + size :]
        if kind == 0:
            command = bson.decode(section)
        else:
            name, _, documents = section[4:].partition(b"\0")
            beside[name.decode()] = bson.decode_all(documents)
    return command | beside


class Connection(socketserver.StreamRequestHandler):
    """One connection of a driver, until the driver hangs up."""

    def handle(self) -> None:
        """Answers one message after the other."""
        with contextlib.suppress(ConnectionError):  # drivers leave without a goodbye
            for request_id, opcode, payload in self.messages():
                if opcode == OP_MSG:
                    (flags,) = struct.unpack_from("<I", payload)
                    end = -4 if flags & CHECKSUM_PRESENT else None
                    reply = bson.encode(reply_to(parse(payload[4:end])))
                    if not flags & MORE_TO_COME:
                        self.send(request_id, OP_MSG, struct.pack("<IB", 0, 0) + reply)
                elif opcode == OP_QUERY:  # how a driver greets a server that it does not know yet
                    query = bson.decode_all(payload[payload.index(b"\0", 4) + 9 :])[0]
                    reply = bson.encode(reply_to(query))
                    self.send(request_id, OP_REPLY, struct.pack("<iqii", 8, 0, 0, 1) + reply)
                else:
                    return

    def messages(self) -> Iterator[tuple[int, int, bytes]]:
        """Request id, opcode and payload of each message."""
        while len(header := self.rfile.read(HEADER.size)) == HEADER.size:
            length, request_id, _, opcode = HEADER.unpack(header)
            yield request_id, opcode, self.rfile.read(length - HEADER.size)

    def send(self, to: int, opcode: int, payload: bytes) -> None:
        """Sends the answer to the request with the id `to`."""
        self.wfile.write(HEADER.pack(HEADER.size + len(payload), 0, to, opcode) + payload)


class Server(socketserver.ThreadingTCPServer):
    """A thread per connection; none of them keeps the process alive."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    # As process 1 nothing ends this program unless it says so itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(("", PORT), Connection) as server:
        print(f"a double of MongoDB listens on port {PORT}", flush=True)
        server.serve_forever()
