import { defineConfig } from "vitest/config";

// Workspace packages resolve to their TypeScript source, as they do at run time (--conditions=@fleetwire/source).
const conditions = ["@fleetwire/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["**/generated/**", "**/*.test.ts"] },
  },
});
