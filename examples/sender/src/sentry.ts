import type { Settings } from "./settings.ts";

export interface ErrorReporting {
  report: (error: Error) => void;
  /** Sends what is still waiting. */
  close: () => Promise<void>;
}

/** Error reporting to Sentry, or to nobody when SENTRY_DSN is unset (then the SDK is not even loaded). */
export async function startErrorReporting({
  sentryDsn,
  version,
}: Settings): Promise<ErrorReporting> {
  if (sentryDsn === undefined) {
    return { report: () => undefined, close: () => Promise.resolve() };
  }
  const Sentry = await import("@sentry/node");
  Sentry.init({
    dsn: sentryDsn,
    environment: version.environment,
    release: `${version.service}@${version.commit}`,
  });
  return {
    report: (error) => {
      Sentry.captureException(error);
    },
    close: async () => {
      await Sentry.close(2_000);
    },
  };
}
