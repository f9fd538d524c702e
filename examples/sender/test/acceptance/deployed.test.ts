import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";

// What must hold for any deployment, also for several tasks that keep their messages in memory: nothing here may
// expect the task that answers to be the one that answered before.

const { SHIPWAY_URL, SHIPWAY_COMMIT, SHIPWAY_IMAGE_DIGEST } = process.env;
if (SHIPWAY_URL === undefined || SHIPWAY_URL === "") {
  throw new Error(
    "SHIPWAY_URL is not set: name the deployment to test, as in http://127.0.0.1:8080",
  );
}

function call(path: string, body?: unknown): Promise<Response> {
  return fetch(new URL(path, SHIPWAY_URL), {
    signal: AbortSignal.timeout(5_000),
    ...(body !== undefined && {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
}

async function running(): Promise<unknown> {
  return (await call("/version")).json();
}

describe(`the deployment at ${SHIPWAY_URL}`, () => {
  test("is healthy", async () => {
    const response = await call("/healthz");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  });

  test.skipIf(!SHIPWAY_COMMIT)("runs the commit that was deployed", async () => {
    expect(await running()).toHaveProperty("commit", SHIPWAY_COMMIT);
  });

  test.skipIf(!SHIPWAY_IMAGE_DIGEST)("runs the image that was deployed", async () => {
    expect(await running()).toHaveProperty("digest", SHIPWAY_IMAGE_DIGEST);
  });

  test("accepts a message, and its retry", async () => {
    const message = { id: randomUUID(), to: "acceptance@example.com", text: "hello" };
    const first = await call("/messages", message);
    expect(first.status).toBe(202);
    expect(await first.json()).toEqual({ id: message.id });

    // 200 from tasks that share a Redis; 202 from one that has not seen the first.
    const retry = await call("/messages", message);
    expect([200, 202]).toContain(retry.status);
    expect(await retry.json()).toMatchObject({ id: message.id });
  });

  test("refuses what is not a message", async () => {
    expect((await call("/messages", { text: "to nobody" })).status).toBe(400);
  });
});
