import { describe, expect, test } from "vitest";
import { BrokenPublisher, Ports, setUp } from "./setting.ts";

const hello = { id: "m-1", to: "ada@example.com", text: "hello" };

describe("POST /messages", () => {
  test("accepts a message, keeps it and publishes it", async () => {
    const { app, ports } = setUp();
    const response = await app.inject({ method: "POST", url: "/messages", payload: hello });
    expect(response.statusCode).toBe(202);
    expect(response.json()).toEqual({ id: "m-1" });
    expect(await ports.store.find("m-1")).toMatchObject(hello);
    expect(ports.publisher.published).toMatchObject([hello]);
  });

  test("names a message that came without an id", async () => {
    const { app, ports } = setUp();
    const payload = { to: hello.to, text: hello.text };
    const { id } = (await app.inject({ method: "POST", url: "/messages", payload })).json<{
      id: string;
    }>();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ports.store.find(id)).toBeDefined();
  });

  test("answers a duplicate with 200 and publishes it only once", async () => {
    const { app, ports } = setUp();
    await app.inject({ method: "POST", url: "/messages", payload: hello });
    const again = await app.inject({ method: "POST", url: "/messages", payload: hello });
    expect(again.statusCode).toBe(200);
    expect(again.json()).toEqual({ id: "m-1", duplicate: true });
    expect(ports.publisher.published).toHaveLength(1);
  });

  test.each([
    ["no receiver", { text: "hello" }],
    ["an empty text", { ...hello, text: "" }],
    ["a number as text", { ...hello, text: 42 }],
    ["an id with a slash", { ...hello, id: "a/b" }],
    ["an unknown field", { ...hello, urgent: true }],
  ])("refuses %s", async (_what, payload) => {
    const { app, ports } = setUp();
    const response = await app.inject({ method: "POST", url: "/messages", payload });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toHaveProperty("error");
    expect(ports.publisher.published).toEqual([]);
  });

  test("lets the sender retry what could not be published", async () => {
    const publisher = new BrokenPublisher();
    const { app, reported } = setUp(Object.assign(new Ports(), { publisher }));
    const failed = await app.inject({ method: "POST", url: "/messages", payload: hello });
    expect(failed.statusCode).toBe(500);
    expect(failed.json()).toEqual({ error: "internal error" });
    expect(reported.map((error) => error.message)).toEqual(["broker is away"]);

    publisher.broken = false;
    const retried = await app.inject({ method: "POST", url: "/messages", payload: hello });
    expect(retried.statusCode).toBe(202);
  });
});

describe("GET /messages/:id", () => {
  test("gives an accepted message back", async () => {
    const { app } = setUp();
    await app.inject({ method: "POST", url: "/messages", payload: hello });
    const response = await app.inject("/messages/m-1");
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject(hello);
  });

  test("answers 404 for a message it never saw", async () => {
    const { app } = setUp();
    expect((await app.inject("/messages/nobody")).statusCode).toBe(404);
  });
});
