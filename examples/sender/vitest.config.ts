import { defineConfig } from "vitest/config";

/** Which project was asked for on the command line; each writes a report of its own name. */
function chosenProject(args: string[]): string {
  const joined = args.find((arg) => arg.startsWith("--project="));
  if (joined !== undefined) return joined.slice("--project=".length);
  const flag = args.indexOf("--project");
  return (flag >= 0 ? args[flag + 1] : undefined) ?? "all";
}

export default defineConfig({
  test: {
    reporters: ["default", "junit"],
    outputFile: { junit: `reports/${chosenProject(process.argv)}.xml` },
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 15_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "acceptance",
          include: ["test/acceptance/**/*.test.ts"],
          testTimeout: 10_000,
        },
      },
    ],
  },
});
