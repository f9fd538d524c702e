import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { Kafka, logLevel } from "kafkajs";
import type { Consumer } from "kafkajs";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { buildApp } from "../../src/app.ts";
import { connectBackends } from "../../src/backends.ts";
import type { Backends } from "../../src/backends.ts";
import { TOPIC } from "../../src/messages.ts";
import type { Message } from "../../src/messages.ts";
import { Metrics } from "../../src/metrics.ts";
import { settingsFrom } from "../../src/settings.ts";

const settings = settingsFrom(process.env);
const { mongoUrl, redisUrl, kafkaBrokers: brokers } = settings;
if (mongoUrl === undefined || redisUrl === undefined || brokers === undefined) {
  throw new Error("MONGO_URL, REDIS_URL and KAFKA_BROKERS must name the back ends to test against");
}

const consumed: Message[] = [];
let backends: Backends;
let app: FastifyInstance;
let consumer: Consumer;

beforeAll(async () => {
  const log = pino({ level: "warn" });
  [backends, consumer] = await Promise.all([connectBackends(settings, log), consume(brokers)]);
  const metrics = new Metrics("Sender", settings.version, () => undefined);
  app = buildApp({ ports: backends, metrics, version: settings.version, log });
});

afterAll(async () => {
  await Promise.all([app.close(), backends.close(), consumer.disconnect()]);
});

test("a message goes to MongoDB and to Kafka", async () => {
  const message = { id: randomUUID(), to: "ada@example.com", text: "hello" };
  const response = await app.inject({ method: "POST", url: "/messages", payload: message });
  expect(response.statusCode).toBe(202);
  expect((await app.inject(`/messages/${message.id}`)).json()).toMatchObject(message);
  await vi.waitFor(() => {
    expect(consumed).toContainEqual(expect.objectContaining(message));
  }, 10_000);
});

test("Redis lets one of two senders through", async () => {
  const payload = { id: randomUUID(), to: "ada@example.com", text: "hello" };
  const send = () => app.inject({ method: "POST", url: "/messages", payload });
  const statuses = (await Promise.all([send(), send()])).map((response) => response.statusCode);
  expect(statuses.sort()).toEqual([200, 202]);
});

test("a claim that was given back can be claimed again", async () => {
  const id = randomUUID();
  expect(await backends.deduplicator.claim(id)).toBe(true);
  expect(await backends.deduplicator.claim(id)).toBe(false);
  await backends.deduplicator.release(id);
  expect(await backends.deduplicator.claim(id)).toBe(true);
});

test("keeping a message twice leaves one", async () => {
  const message = {
    id: randomUUID(),
    to: "ada",
    text: "first",
    acceptedAt: "2026-01-01T00:00:00Z",
  };
  await backends.store.keep(message);
  await backends.store.keep({ ...message, text: "second" });
  expect(await backends.store.find(message.id)).toEqual({ ...message, text: "second" });
});

/** Reads the topic from its beginning; kafkajs' own timeouts would make joining a group take 15 s. */
async function consume(from: string[]): Promise<Consumer> {
  const kafka = new Kafka({ clientId: "tests", brokers: from, logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC }], waitForLeaders: true });
  await admin.disconnect();

  const reader = kafka.consumer({
    groupId: `tests-${randomUUID()}`,
    sessionTimeout: 6_000,
    rebalanceTimeout: 3_000,
    maxWaitTimeInMs: 300,
  });
  await reader.connect();
  await reader.subscribe({ topic: TOPIC, fromBeginning: true });
  await reader.run({
    eachMessage: ({ message }) => {
      consumed.push(JSON.parse(message.value?.toString() ?? "") as Message);
      return Promise.resolve();
    },
  });
  return reader;
}
