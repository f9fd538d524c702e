import { MongoClient } from "mongodb";
import type { Collection } from "mongodb";
import type { Message, MessageStore } from "./messages.ts";

interface Kept extends Omit<Message, "id"> {
  _id: string;
}

/** Messages in the `messages` collection of the database that the URL names. */
export class MongoStore implements MessageStore {
  readonly #client: MongoClient;

  private constructor(client: MongoClient) {
    this.#client = client;
  }

  static async connect(url: string): Promise<MongoStore> {
    return new MongoStore(
      await new MongoClient(url, { serverSelectionTimeoutMS: 5_000 }).connect(),
    );
  }

  async keep({ id, ...rest }: Message): Promise<void> {
    // A retry after a failed publication meets its own earlier write: replace it.
    await this.#messages.replaceOne({ _id: id }, rest, { upsert: true });
  }

  async find(id: string): Promise<Message | undefined> {
    const kept = await this.#messages.findOne({ _id: id });
    if (kept === null) return undefined;
    const { _id, ...rest } = kept;
    return { id: _id, ...rest };
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  get #messages(): Collection<Kept> {
    return this.#client.db().collection<Kept>("messages");
  }
}
