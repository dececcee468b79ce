/** One run of the suite by a Node and on a server of choice. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import process from "node:process";

export interface SuiteOptions {
  readonly project: string;
  /** Folder that holds `node`. */
  readonly node: string;
  /** Of the server, for XCP_TEST_MYSQL_URL. */
  readonly url: string;
  /** Names of test files; none for all. */
  readonly tests: readonly string[];
  /** Where vitest's JSON goes, and how it is read. */
  readonly report: string;
  readonly read: () => string;
}

export interface SuiteEnd {
  readonly code: number | null;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** Full names of the tests that failed, and files that could not be run. */
  readonly failures: readonly string[];
}

/** Runs it; what vitest prints goes to stderr. Throws an error where it leaves no result. */
export async function runSuite(options: SuiteOptions): Promise<SuiteEnd> {
  const { project, node, url, tests, report } = options;
  const began = performance.now();
  const vitest = path.join(project, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", ...tests, "--reporter=dot", "--reporter=json", `--outputFile=${report}`];
  const child = spawn(path.join(node, "node"), args, {
    cwd: project,
    env: {
      ...process.env,
      PATH: `${node}${path.delimiter}${process.env["PATH"] ?? ""}`,
      XCP_TEST_MYSQL_URL: url,
    },
    stdio: ["ignore", 2, 2],
  });
  const [code] = (await once(child, "close")) as [number | null];
  const seconds = (performance.now() - began) / 1000;
  return { code, seconds, ...resultIn(options.read) };
}

/** What vitest's JSON reporter writes, as far as it is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

function resultIn(read: () => string): Omit<SuiteEnd, "code" | "seconds"> {
  let report: Report;
  try {
    report = JSON.parse(read()) as Report;
  } catch (error) {
    throw new Error("vitest left no result; what it said stands above", { cause: error });
  }
  const failures = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length > 0) return failed.map(({ fullName }) => `${path.basename(name)}: ${fullName}`);
    return status === "failed" ? [`${path.basename(name)}: ${message.split("\n")[0]}`] : [];
  });
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests,
    failures,
  };
}
