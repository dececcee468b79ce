import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real processes on a machine that others use too: a test may run once more, and is reported as flaky then.
    retry: process.env["CI"] === "true" ? 1 : 0,
  },
});
