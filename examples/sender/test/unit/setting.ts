import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { buildApp } from "../../src/app.ts";
import { MemoryDeduplicator, MemoryPublisher, MemoryStore } from "../../src/memory.ts";
import { Metrics } from "../../src/metrics.ts";
import { versionFrom } from "../../src/version.ts";

export class Ports {
  readonly store = new MemoryStore();
  readonly deduplicator = new MemoryDeduplicator();
  readonly publisher = new MemoryPublisher();
}

export interface Setting {
  app: FastifyInstance;
  ports: Ports;
  /** The lines written for CloudWatch. */
  lines: string[];
  /** The errors handed to error reporting. */
  reported: Error[];
}

/** The service on its in-memory back ends, with everything it says kept for reading. */
export function setUp(ports = new Ports()): Setting {
  const lines: string[] = [];
  const reported: Error[] = [];
  const version = versionFrom({ SHIPWAY_COMMIT: "abc123", SHIPWAY_ENVIRONMENT: "preprod" });
  const app = buildApp({
    ports,
    metrics: new Metrics("Sender", version, (line) => lines.push(line)),
    version,
    log: pino({ level: "silent" }),
    report: (error) => reported.push(error),
  });
  return { app, ports, lines, reported };
}

/** A broker that is away. */
export class BrokenPublisher extends MemoryPublisher {
  broken = true;

  override publish(message: Parameters<MemoryPublisher["publish"]>[0]): Promise<void> {
    return this.broken ? Promise.reject(new Error("broker is away")) : super.publish(message);
  }
}
