import { EventEmitter, once } from "node:events";
import { Agent, get } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { MemoryStore } from "../../src/memory.ts";
import type { Message } from "../../src/messages.ts";
import { settingsFrom } from "../../src/settings.ts";
import { versionFrom } from "../../src/version.ts";
import { Ports, setUp } from "./setting.ts";

test("GET /healthz says ok", async () => {
  const response = await setUp().app.inject("/healthz");
  expect(response.statusCode).toBe(200);
  expect(response.json()).toEqual({ status: "ok" });
});

describe("version", () => {
  test("GET /version tells what is running", async () => {
    expect((await setUp().app.inject("/version")).json()).toEqual({
      service: "sender",
      commit: "abc123",
      digest: "unknown",
      environment: "preprod",
      release: "unknown",
    });
  });

  test("the commit baked into the image counts when the deployment names none", () => {
    expect(versionFrom({ SHIPWAY_COMMIT: "", COMMIT: "baked" }).commit).toBe("baked");
    expect(versionFrom({ SHIPWAY_COMMIT: "deployed", COMMIT: "baked" }).commit).toBe("deployed");
  });
});

describe("settings", () => {
  test("an empty environment means port 3000 and back ends in memory", () => {
    expect(settingsFrom({ MONGO_URL: "" })).toMatchObject({
      host: "0.0.0.0",
      port: 3000,
      mongoUrl: undefined,
      redisUrl: undefined,
      kafkaBrokers: undefined,
    });
  });

  test("a port that is no port is refused by name", () => {
    expect(() => settingsFrom({ PORT: "http" })).toThrow(/PORT .* "http"/);
  });
});

test("each accepted message is one line of CloudWatch Embedded Metric Format", async () => {
  const { app, lines } = setUp();
  await app.inject({ method: "POST", url: "/messages", payload: { to: "ada", text: "hello" } });
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  expect(line).toMatchObject({
    _aws: {
      CloudWatchMetrics: [
        {
          Namespace: "Sender",
          Dimensions: [["Service", "Environment"]],
          Metrics: [
            { Name: "MessagesSent", Unit: "Count" },
            { Name: "SendLatency", Unit: "Milliseconds" },
          ],
        },
      ],
    },
    Service: "sender",
    Environment: "preprod",
    MessagesSent: 1,
  });
  expect(line.SendLatency).toBeTypeOf("number");
});

test("closing ends idle connections and finishes the request in flight", async () => {
  const store = new SlowStore();
  const { app } = setUp(Object.assign(new Ports(), { store }));
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });

  const answer = once(get({ host: "127.0.0.1", port, path: "/messages/m-1", agent }), "response");
  await store.asked;
  const closed = app.close();
  await vi.waitUntil(() => !app.server.listening);
  store.answer();

  const [response] = (await answer) as [IncomingMessage];
  expect(response.statusCode).toBe(404);
  expect(response.headers.connection).toBe("close");
  response.resume();
  await closed;
  agent.destroy();
});

/** Answers when it is told to. */
class SlowStore extends MemoryStore {
  readonly #events = new EventEmitter();
  readonly asked = once(this.#events, "asked");

  answer(): void {
    this.#events.emit("answer");
  }

  override async find(id: string): Promise<Message | undefined> {
    this.#events.emit("asked");
    await once(this.#events, "answer");
    return super.find(id);
  }
}
