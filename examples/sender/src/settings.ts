import { versionFrom } from "./version.ts";
import type { Version } from "./version.ts";

export interface Settings {
  host: string;
  port: number;
  logLevel: string;
  metricsNamespace: string;
  version: Version;
  mongoUrl: string | undefined;
  redisUrl: string | undefined;
  kafkaBrokers: string[] | undefined;
  sentryDsn: string | undefined;
}

/** Reads the environment once, at the edge; an empty variable counts as unset. */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const get = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  return {
    host: get("HOST") ?? "0.0.0.0",
    port: portFrom(get("PORT") ?? "3000"),
    logLevel: get("LOG_LEVEL") ?? "info",
    metricsNamespace: get("AWS_EMF_NAMESPACE") ?? "Sender",
    version: versionFrom(env),
    mongoUrl: get("MONGO_URL"),
    redisUrl: get("REDIS_URL"),
    kafkaBrokers: get("KAFKA_BROKERS")?.split(","),
    sentryDsn: get("SENTRY_DSN"),
  };
}

function portFrom(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT must be a whole number from 0 to 65535, not "${text}"`);
  }
  return port;
}
