import type { Version } from "./version.ts";

/** Where a line goes; standard output, except in tests. */
export type Write = (line: string) => void;

/**
 * Metrics as CloudWatch Embedded Metric Format: one JSON line each, which CloudWatch Logs turns into metrics.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class Metrics {
  readonly #namespace: string;
  readonly #version: Version;
  readonly #write: Write;

  constructor(namespace: string, version: Version, write: Write) {
    this.#namespace = namespace;
    this.#version = version;
    this.#write = write;
  }

  messageSent(latencyMs: number): void {
    const line = {
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [
          {
            Namespace: this.#namespace,
            Dimensions: [["Service", "Environment"]],
            Metrics: [
              { Name: "MessagesSent", Unit: "Count" },
              { Name: "SendLatency", Unit: "Milliseconds" },
            ],
          },
        ],
      },
      Service: this.#version.service,
      Environment: this.#version.environment,
      // A property, not a dimension: a dimension per commit would be a metric per commit.
      Commit: this.#version.commit,
      MessagesSent: 1,
      SendLatency: latencyMs,
    };
    this.#write(`${JSON.stringify(line)}\n`);
  }
}
