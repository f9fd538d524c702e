/** What is running, as the deployment and the image tell it. */
export interface Version {
  service: string;
  commit: string;
  digest: string;
  environment: string;
  release: string;
}

/** The deployment's word on the commit wins over the one baked into the image; an empty variable counts as unset. */
export function versionFrom(env: NodeJS.ProcessEnv): Version {
  const firstOf = (...names: string[]): string =>
    names.map((name) => env[name]).find((value) => value !== undefined && value !== "") ??
    "unknown";
  return {
    service: "sender",
    commit: firstOf("SHIPWAY_COMMIT", "COMMIT"),
    digest: firstOf("SHIPWAY_IMAGE_DIGEST"),
    environment: firstOf("SHIPWAY_ENVIRONMENT"),
    release: firstOf("SHIPWAY_RELEASE"),
  };
}
