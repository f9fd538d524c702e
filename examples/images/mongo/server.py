"""A double of MongoDB for integration tests: mongomock, spoken to in MongoDB's own wire protocol.

It is not MongoDB. It answers official drivers (tried with Node's, version 6) for: insert, update, delete, find with
sort/skip/limit/projection, findAndModify, aggregate, count, distinct, unique indexes (error 11000), drop. It keeps
everything in memory, runs one command at a time, answers each query in a single batch, and has no users, no replica
set, no sessions, no transactions and no change streams. What it does not know it refuses with MongoDB's own error 59.

Protocol: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
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

import bson
import mongomock
from mongomock.collection import Collection
from pymongo.errors import DuplicateKeyError, OperationFailure

Document = dict[str, Any]  # BSON has no narrower type

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CHECKSUM_PRESENT, MORE_TO_COME = 1 << 0, 1 << 1
PORT = 27017

CLIENT = mongomock.MongoClient()
ONE_AT_A_TIME = threading.Lock()


def hello(_command: Document) -> Document:
    """A standalone server, able to speak as MongoDB 7.0 does; no sessions, since it names no session timeout."""
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
    return {}


def collection(command: Document) -> Collection:
    """The collection a command speaks of: the value of its first field."""
    return CLIENT[command["$db"]][next(iter(command.values()))]


def batch(command: Document, documents: list[Document]) -> Document:
    namespace = f"{command['$db']}.{next(iter(command.values()))}"
    return {"cursor": {"id": bson.Int64(0), "ns": namespace, "firstBatch": documents}}


def each_write(writes: list[Document], write: Callable[[Document], Document]) -> Document:
    """Writes in order up to the first duplicate key, and adds up what the writes answered."""
    answer: Document = {"n": 0}
    for index, one in enumerate(writes):
        try:
            result = write(one)
        except DuplicateKeyError as error:
            return answer | {"writeErrors": [{"index": index, "code": 11000, "errmsg": str(error)}]}
        answer["n"] += result["n"]
        if "nModified" in result:
            answer["nModified"] = answer.get("nModified", 0) + result["nModified"]
        if "upserted" in result:
            answer.setdefault("upserted", []).append({"index": index, "_id": result["upserted"]})
    return answer


def insert(command: Document) -> Document:
    def one(document: Document) -> Document:
        collection(command).insert_one(document)
        return {"n": 1}

    return each_write(command["documents"], one)


def update(command: Document) -> Document:
    target = collection(command)

    def one(write: Document) -> Document:
        query, change, upsert = write["q"], write["u"], write.get("upsert", False)
        if not any(key.startswith("$") for key in change):
            result = target.replace_one(query, change, upsert=upsert)
        elif write.get("multi"):
            result = target.update_many(query, change, upsert=upsert)
        else:
            result = target.update_one(query, change, upsert=upsert)
        if result.upserted_id is not None:
            return {"n": 1, "nModified": 0, "upserted": result.upserted_id}
        return {"n": result.matched_count, "nModified": result.modified_count}

    return each_write(command["updates"], one)


def delete(command: Document) -> Document:
    target = collection(command)

    def one(write: Document) -> Document:
        remove = target.delete_one if write.get("limit") == 1 else target.delete_many
        return {"n": remove(write["q"]).deleted_count}

    return each_write(command["deletes"], one)


def find(command: Document) -> Document:
    cursor = collection(command).find(command.get("filter", {}), command.get("projection"))
    if sort := command.get("sort"):
        cursor = cursor.sort(list(sort.items()))
    return batch(command, list(cursor.skip(command.get("skip", 0)).limit(abs(command.get("limit", 0)))))


def find_and_modify(command: Document) -> Document:
    target, query, sort = collection(command), command.get("query", {}), list(command.get("sort", {}).items()) or None
    fields = command.get("fields")
    if command.get("remove"):
        return {"value": target.find_one_and_delete(query, fields, sort=sort)}
    change = command["update"]
    act = target.find_one_and_update if any(k.startswith("$") for k in change) else target.find_one_and_replace
    upsert, after = command.get("upsert", False), command.get("new", False)
    return {"value": act(query, change, fields, sort=sort, upsert=upsert, return_document=after)}


def aggregate(command: Document) -> Document:
    return batch(command, list(collection(command).aggregate(command["pipeline"])))


def count(command: Document) -> Document:
    return {"n": collection(command).count_documents(command.get("query", {}))}


def distinct(command: Document) -> Document:
    return {"values": collection(command).distinct(command["key"], command.get("query"))}


def create_indexes(command: Document) -> Document:
    for index in command["indexes"]:
        keys = list(index["key"].items())
        collection(command).create_index(keys, name=index["name"], unique=index.get("unique", False))
    return {}


def drop(command: Document) -> Document:
    collection(command).drop()
    return {}


def drop_database(command: Document) -> Document:
    CLIENT.drop_database(command["$db"])
    return {}


COMMANDS: dict[str, Callable[[Document], Document]] = {
    "hello": hello,
    "ismaster": hello,
    "ping": nothing,
    "endsessions": nothing,
    "killcursors": nothing,
    "insert": insert,
    "update": update,
    "delete": delete,
    "find": find,
    "findandmodify": find_and_modify,
    "aggregate": aggregate,
    "count": count,
    "distinct": distinct,
    "createindexes": create_indexes,
    "drop": drop,
    "dropdatabase": drop_database,
}


def answer(command: Document) -> Document:
    """One command in, one reply out; errors are replies too."""
    name = next(iter(command))
    act = COMMANDS.get(name.lower())
    if act is None:
        return {"ok": 0.0, "code": 59, "codeName": "CommandNotFound", "errmsg": f"the double does not know {name!r}"}
    try:
        with ONE_AT_A_TIME:
            return act(command) | {"ok": 1.0}
    except DuplicateKeyError as error:
        return {"ok": 0.0, "code": 11000, "codeName": "DuplicateKey", "errmsg": str(error)}
    except (OperationFailure, NotImplementedError) as error:
        return {"ok": 0.0, "code": 238, "codeName": "NotImplemented", "errmsg": str(error)}


def sections(body: bytes) -> Document:
    """The command in an OP_MSG: its document (kind 0), plus lists of documents sent beside it (kind 1)."""
    command: Document = {}
    beside: Document = {}
    at = 0
    while at < len(body):
        kind, size = body[at], struct.unpack_from("<i", body, at + 1)[0]
        section = body[at + 1 : at + 1 + size]
        if kind == 0:
            command = bson.decode(section)
        else:
            name, _, documents = section[4:].partition(b"\0")
            beside[name.decode()] = bson.decode_all(documents)
        at += 1 + size
    return command | beside


class Connection(socketserver.StreamRequestHandler):
    """One driver connection: reads messages until the driver hangs up."""

    def handle(self) -> None:
        # Drivers drop connections without a goodbye.
        with contextlib.suppress(ConnectionError):
            self.converse()

    def converse(self) -> None:
        for request_id, opcode, payload in self.messages():
            if opcode == OP_MSG:
                (flags,) = struct.unpack_from("<I", payload)
                reply = answer(sections(payload[4:-4] if flags & CHECKSUM_PRESENT else payload[4:]))
                if not flags & MORE_TO_COME:
                    self.send(request_id, OP_MSG, struct.pack("<IB", 0, 0) + bson.encode(reply))
            elif opcode == OP_QUERY:  # how a driver greets a server it does not know yet
                query = bson.decode_all(payload[payload.index(b"\0", 4) + 9 :])[0]
                self.send(request_id, OP_REPLY, struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(answer(query)))
            else:
                return

    def messages(self) -> Iterator[tuple[int, int, bytes]]:
        while len(header := self.rfile.read(16)) == 16:
            length, request_id, _, opcode = struct.unpack("<iiii", header)
            yield request_id, opcode, self.rfile.read(length - 16)

    def send(self, to: int, opcode: int, payload: bytes) -> None:
        self.wfile.write(struct.pack("<iiii", 16 + len(payload), 0, to, opcode) + payload)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    # As process 1 nothing ends this program unless it says so itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(("", PORT), Connection) as server:
        print(f"a double of MongoDB listens on port {PORT}", flush=True)
        server.serve_forever()
