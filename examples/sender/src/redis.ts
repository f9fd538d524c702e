import { Redis } from "ioredis";
import type { Logger } from "pino";
import type { Deduplicator } from "./messages.ts";

const REMEMBER_S = 24 * 60 * 60;

/** One expiring key per id, set only if it is not there (`SET NX EX`). */
export class RedisDeduplicator implements Deduplicator {
  readonly #redis: Redis;

  private constructor(redis: Redis) {
    this.#redis = redis;
  }

  static async connect(url: string, log: Logger): Promise<RedisDeduplicator> {
    const redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: 5_000,
      maxRetriesPerRequest: 2,
    });
    // Without a listener a lost connection would be an uncaught error.
    redis.on("error", (error: Error) => {
      log.warn({ err: error }, "redis connection lost");
    });
    await redis.connect();
    return new RedisDeduplicator(redis);
  }

  async claim(id: string): Promise<boolean> {
    return (await this.#redis.set(key(id), "1", "EX", REMEMBER_S, "NX")) === "OK";
  }

  async release(id: string): Promise<void> {
    await this.#redis.del(key(id));
  }

  async close(): Promise<void> {
    await this.#redis.quit();
  }
}

function key(id: string): string {
  return `sender:message:${id}`;
}
