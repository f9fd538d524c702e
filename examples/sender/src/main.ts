import { pino } from "pino";
import { buildApp } from "./app.ts";
import { connectBackends } from "./backends.ts";
import { Metrics } from "./metrics.ts";
import { startErrorReporting } from "./sentry.ts";
import { settingsFrom } from "./settings.ts";

// Docker sends SIGKILL 10 s after SIGTERM, ECS after 30 s; be gone before either.
const STOP_DEADLINE_MS = 9_000;

const settings = settingsFrom(process.env);
const log = pino({ level: settings.logLevel, base: { service: settings.version.service } });

/** What has been started and how to end it, in the order of starting. */
const started: { close(): PromiseLike<void> }[] = [];
let stopping = false;

async function start(): Promise<void> {
  const errors = await startErrorReporting(settings);
  started.push(errors);
  const backends = await connectBackends(settings, log);
  started.push(backends);
  const metrics = new Metrics(settings.metricsNamespace, settings.version, (line) => {
    process.stdout.write(line);
  });
  const app = buildApp({
    ports: backends,
    metrics,
    version: settings.version,
    log,
    report: errors.report,
  });
  started.push(app);
  await app.listen({ host: settings.host, port: settings.port });
  log.info({ version: settings.version }, "ready");
}

/** Last started, first ended: the server finishes its requests while the back ends are still there. */
async function stop(signal: NodeJS.Signals): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, "stopping");
  setTimeout(() => {
    log.error("requests or connections did not end in time");
    process.exit(1);
  }, STOP_DEADLINE_MS);
  for (const one of started.reverse()) await one.close();
  log.info("stopped");
  process.exit(0);
}

function fail(error: unknown): never {
  log.fatal({ err: error }, stopping ? "could not stop cleanly" : "could not start");
  process.exit(1);
}

// Before anything else: as process 1 a Node without listeners ignores both signals.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, (received) => void stop(received).catch(fail));
}
await start().catch(fail);
