import { build } from "esbuild";

// `splitting` keeps each back end in a chunk of its own, loaded only when it is configured.
await build({
  entryPoints: ["src/main.ts", "src/healthcheck.ts"],
  outdir: "dist",
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  sourcemap: true,
  sourcesContent: false,
  platform: "node",
  target: "node20",
  format: "esm",
  // CommonJS dependencies still call `require` for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
