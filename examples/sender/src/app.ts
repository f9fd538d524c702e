import { randomUUID } from "node:crypto";
import Fastify, { LogController } from "fastify";
import type { FastifyBaseLogger, FastifyError, FastifyInstance } from "fastify";
import { accept } from "./messages.ts";
import type { Message, Ports } from "./messages.ts";
import type { Metrics } from "./metrics.ts";
import type { Version } from "./version.ts";

interface NewMessage {
  id?: string;
  to: string;
  text: string;
}

const newMessage = {
  type: "object",
  required: ["to", "text"],
  additionalProperties: false,
  properties: {
    id: { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" },
    to: { type: "string", minLength: 1, maxLength: 320 },
    text: { type: "string", minLength: 1, maxLength: 4096 },
  },
} as const;

export interface AppOptions {
  ports: Ports;
  metrics: Metrics;
  version: Version;
  log: FastifyBaseLogger;
  /** Hears of every error that is answered with a 500. */
  report?: (error: Error) => void;
}

/** The HTTP side of the service; listens to nothing by itself, so that tests can inject requests. */
export function buildApp({ ports, metrics, version, log, report }: AppOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // A number is not a text: say 400 rather than guess.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    // A request that still reaches a draining task deserves its answer, not a 503.
    return503OnClosing: false,
  });

  let draining = false;
  app.addHook("preClose", (done) => {
    draining = true;
    done();
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    if (draining) reply.header("connection", "close");
    done(null, payload);
  });

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return reply.code(error.statusCode).send({ error: error.message });
    }
    request.log.error({ err: error }, "request failed");
    report?.(error);
    return reply.code(500).send({ error: "internal error" });
  });

  app.post<{ Body: NewMessage }>(
    "/messages",
    { schema: { body: newMessage } },
    async (request, reply) => {
      const started = performance.now();
      const { id = randomUUID(), to, text } = request.body;
      const message: Message = { id, to, text, acceptedAt: new Date().toISOString() };
      if ((await accept(message, ports)) === "duplicate") {
        return reply.code(200).send({ id, duplicate: true });
      }
      metrics.messageSent(performance.now() - started);
      request.log.info({ messageId: id }, "message accepted");
      return reply.code(202).send({ id });
    },
  );

  app.get<{ Params: { id: string } }>("/messages/:id", async (request, reply) => {
    const message = await ports.store.find(request.params.id);
    return message ?? reply.code(404).send({ error: "no such message" });
  });

  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/version", () => version);

  return app;
}
