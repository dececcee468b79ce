import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take a minute: begun last, they would run alone on one of two cores. */
const longFiles = [
  "programs/demo",
  "programs/control-green",
  "programs/report",
  "packaging/readme",
  "programs/crash-collect",
  "property/planner",
  "programs/case-unreadable-hosts",
  "programs/faults-database",
  "programs/faults-disk",
  "programs/crash-control",
  "setup/privateServer",
  "wlb/lifecycle",
];

class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longFiles.some((name) => moduleId.endsWith(`/test/${name}.test.ts`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    pool: "forks",
    // Two more than the cores that CI has: much of a test is waiting for programs and clocks.
    maxWorkers: 4,
    // A worker keeps the modules that it has loaded: loading them anew for each file takes a tenth of the suite's CPU. Tests
    // leave nothing behind in them, and run programs as processes of their own.
    isolate: false,
    sequence: { sequencer: LongFilesFirst },
    // Limits for what hangs: what they bound takes a second on a quiet machine, and many on a busy one.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
