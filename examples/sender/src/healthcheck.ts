// The image's HEALTHCHECK: exits with 0 when the service in this container answers, with 1 otherwise.
import { get } from "node:http";

get(
  { host: "127.0.0.1", port: process.env.PORT ?? "3000", path: "/healthz", timeout: 2_000 },
  (response) => process.exit(response.statusCode === 200 ? 0 : 1),
)
  .on("timeout", () => process.exit(1))
  .on("error", () => process.exit(1));
