import { Kafka, logLevel, Partitioners } from "kafkajs";
import type { Producer } from "kafkajs";
import type { Logger } from "pino";
import { TOPIC } from "./messages.ts";
import type { Message, Publisher } from "./messages.ts";

/** Publishes to the topic `messages`, keyed by id so that one id stays in one partition. */
export class KafkaPublisher implements Publisher {
  readonly #producer: Producer;

  private constructor(producer: Producer) {
    this.#producer = producer;
  }

  static async connect(brokers: string[], log: Logger): Promise<KafkaPublisher> {
    const kafka = new Kafka({
      clientId: "sender",
      brokers,
      connectionTimeout: 5_000,
      retry: { retries: 5 },
      logLevel: logLevel.WARN,
      logCreator:
        () =>
        ({ level, log: { message, ...details } }) => {
          log[level === logLevel.WARN ? "warn" : "error"](details, message);
        },
    });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    return new KafkaPublisher(producer);
  }

  async publish(message: Message): Promise<void> {
    await this.#producer.send({
      topic: TOPIC,
      messages: [{ key: message.id, value: JSON.stringify(message) }],
    });
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }
}
