import { basename, join } from "node:path";
import { defineConfig } from "vitest/config";

// Workspace packages resolve to their TypeScript source, as they do at run time (--conditions=@fleetwire/source).
const conditions = ["@fleetwire/source"];

// scripts/test.mjs names a folder where each package leaves its counts.
const reports = process.env["FLEETWIRE_TEST_REPORTS"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: reports
      ? ["default", ["json", { outputFile: join(reports, `${basename(process.cwd())}.json`) }]]
      : ["default"],
    // Tests start servers and measure deadlines: side by side on two cores they would disturb each other.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // On a busy machine a second, the default, is not long.
    expect: { poll: { timeout: 10_000 } },
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["**/generated/**", "**/*.test.ts"] },
  },
});
