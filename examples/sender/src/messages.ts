/** A message as it is kept and published. */
export interface Message {
  id: string;
  to: string;
  text: string;
  /** ISO 8601, UTC. */
  acceptedAt: string;
}

/** Keeps messages by id. Keeping the same id twice leaves one message. */
export interface MessageStore {
  keep(message: Message): Promise<void>;
  find(id: string): Promise<Message | undefined>;
}

/** Remembers which ids were seen, for a while. */
export interface Deduplicator {
  /** True for the first caller with this id, false for all others. */
  claim(id: string): Promise<boolean>;
  /** Gives a claim back, so that a retry is not mistaken for a duplicate. */
  release(id: string): Promise<void>;
}

/** Tells the rest of the world; resolves when the broker has the message. */
export interface Publisher {
  publish(message: Message): Promise<void>;
}

export interface Ports {
  store: MessageStore;
  deduplicator: Deduplicator;
  publisher: Publisher;
}

export const TOPIC = "messages";

/**
 * Accepts a message once: claim its id, keep it, publish it.
 *
 * If keeping or publishing fails the claim is released before the error travels on, so the sender may try again.
 */
export async function accept(message: Message, ports: Ports): Promise<"accepted" | "duplicate"> {
  if (!(await ports.deduplicator.claim(message.id))) return "duplicate";
  try {
    await ports.store.keep(message);
    await ports.publisher.publish(message);
  } catch (error) {
    // The first error is the one worth reporting; an unreleased claim expires by itself.
    await ports.deduplicator.release(message.id).catch(() => undefined);
    throw error;
  }
  return "accepted";
}
