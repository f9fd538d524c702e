import type { Logger } from "pino";
import { MemoryDeduplicator, MemoryPublisher, MemoryStore } from "./memory.ts";
import type { Ports } from "./messages.ts";
import type { Settings } from "./settings.ts";

export interface Backends extends Ports {
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

/** Connects the back ends that the settings name; memory stands in for the others. */
export async function connectBackends(settings: Settings, log: Logger): Promise<Backends> {
  const open: Closable[] = [];
  const closing = <T extends Closable>(backend: T): T => {
    open.push(backend);
    return backend;
  };
  const close = async (): Promise<void> => {
    await Promise.all(open.map((backend) => backend.close()));
  };

  const { mongoUrl, redisUrl, kafkaBrokers } = settings;
  try {
    const [store, deduplicator, publisher] = await Promise.all([
      mongoUrl === undefined
        ? new MemoryStore()
        : import("./mongo.ts").then((m) => m.MongoStore.connect(mongoUrl)).then(closing),
      redisUrl === undefined
        ? new MemoryDeduplicator()
        : import("./redis.ts")
            .then((m) => m.RedisDeduplicator.connect(redisUrl, log))
            .then(closing),
      kafkaBrokers === undefined
        ? new MemoryPublisher()
        : import("./kafka.ts")
            .then((m) => m.KafkaPublisher.connect(kafkaBrokers, log))
            .then(closing),
    ]);
    return { store, deduplicator, publisher, close };
  } catch (error) {
    await close();
    throw error;
  }
}
