import type { Deduplicator, Message, MessageStore, Publisher } from "./messages.ts";

/** Stands in for MongoDB when MONGO_URL is unset. */
export class MemoryStore implements MessageStore {
  readonly #messages = new Map<string, Message>();

  keep(message: Message): Promise<void> {
    this.#messages.set(message.id, message);
    return Promise.resolve();
  }

  find(id: string): Promise<Message | undefined> {
    return Promise.resolve(this.#messages.get(id));
  }
}

/** Stands in for Redis when REDIS_URL is unset; ids are never forgotten. */
export class MemoryDeduplicator implements Deduplicator {
  readonly #claimed = new Set<string>();

  claim(id: string): Promise<boolean> {
    const first = !this.#claimed.has(id);
    this.#claimed.add(id);
    return Promise.resolve(first);
  }

  release(id: string): Promise<void> {
    this.#claimed.delete(id);
    return Promise.resolve();
  }
}

/** Stands in for Kafka when KAFKA_BROKERS is unset; `published` is there for tests to read. */
export class MemoryPublisher implements Publisher {
  readonly published: Message[] = [];

  publish(message: Message): Promise<void> {
    this.published.push(message);
    return Promise.resolve();
  }
}
