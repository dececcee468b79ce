/** Breakages of what is kept in the database: lease, intent, breaker, pause, history. */
import { inFile, type Mutant } from "./mutant.ts";

export const keeping: readonly Mutant[] = [
  ...inFile("store/lease.ts", [
    [
      "lease-free",
      "(RunId IS NULL OR ExpiresAt <= UTC_TIMESTAMP(6)",
      "(TRUE OR ExpiresAt <= UTC_TIMESTAMP(6)",
      "store/control",
      "is held by one run at a time",
    ],
    [
      "lease-token",
      'token: expression("Token + 1"),',
      'token: expression("Token + 0"),',
      "store/control",
      "that expired is taken over",
    ],
    [
      "lease-clock-set-back",
      "3000 * COALESCE(LengthMs, ?)",
      "3000000000 * COALESCE(LengthMs, ?)",
      "store/control",
      "that ends further away",
    ],
    [
      "lease-length",
      "lengthMs: Math.round(ttlMs),\n        },\n        expression(",
      "lengthMs: null,\n        },\n        expression(",
      "programs/case-short-lease",
      "a run with ControlLeaseSeconds 5 waits",
    ],
    [
      "lease-over",
      "AND ExpiresAt > UTC_TIMESTAMP(6)",
      "AND ExpiresAt > '2000-01-01'",
      "store/control",
      "that expired gives no right to write",
    ],
    [
      "lease-endless",
      "if (lease.runId === null) {",
      "if (lease.runId === null || lease.expiredSecondsAgo === null) {",
      "programs/case-lease-row",
      "xcp-control ends with 1",
    ],
  ]),
  ...inFile("control/heldLease.ts", [
    [
      "lease-last-third",
      "left >= this.#options.ttlMs / 3",
      "left >= this.#options.ttlMs / 3000",
      "programs/control-lease",
      "starts nothing in the last third",
    ],
    [
      "lease-taken",
      'if (!renewed) return this.#lose("another run has taken it");',
      "if (!renewed) return;",
      "programs/control-lease",
      "is lost when another run has taken it",
    ],
    [
      "lease-deadline",
      "this.#deadline = sentAt + options.ttlMs;",
      "this.#deadline = sentAt + 100 * options.ttlMs;",
      "programs/control-lease",
      "starts nothing in the last third",
    ],
  ]),
  ...inFile("store/migrations.ts", [
    [
      "intent-lease",
      'return { kind: "lease" };',
      "await pauseIn(writer);",
      "store/control",
      "that expired is taken over",
    ],
    [
      "intent-pause",
      "if (pause !== null) return",
      'if (pause !== null && pause.by === "\\0") return',
      "store/control",
      "pauses and resumes",
    ],
    [
      "intent-hour",
      "if (count >= maxPerHour) return",
      "if (count > maxPerHour) return",
      "store/control",
      "takes no more in an hour",
    ],
    [
      "intent-open",
      'if (open !== undefined) return { kind: "open" };',
      'if (open !== undefined && maxPerHour < 0) return { kind: "open" };',
      "store/control",
      "holds one open row for a VM",
    ],
    [
      "intent-stale",
      "CollectionsAtEnd >= ?)",
      "CollectionsAtEnd > ? + 1000)",
      "store/control",
      "takes no intent of another run",
    ],
    [
      "refused-does-not-count",
      "WHERE State <> 'refused' AND COALESCE",
      "WHERE State <> '' AND COALESCE",
      "store/control",
      "takes no more in an hour",
    ],
  ]),
  ...inFile("store/breaker.ts", [
    [
      "breaker-in-a-row",
      "const failuresInARow = 2;",
      "const failuresInARow = 3;",
      "store/control",
      "opens for half an hour",
    ],
    [
      "breaker-of-ten",
      "{ failures: 3, migrations: 10 }",
      "{ failures: 4, migrations: 10 }",
      "store/control",
      "opens after three failures of ten",
    ],
    [
      "breaker-second-time",
      "trips: trips + 1,",
      "trips: 0 * trips,",
      "store/control",
      "opens for half an hour",
    ],
  ]),
  ...inFile("store/pause.ts", [
    [
      "pause-in-force",
      "if (!paused || ended) return null;",
      "if (!paused || !ended) return null;",
      "store/control",
      "pauses and resumes",
    ],
  ]),
  ...inFile("store/exclusions.ts", [
    [
      "include-again",
      '"DELETE FROM Exclusion WHERE ObjectUuid = ?"',
      "\"DELETE FROM Exclusion WHERE ObjectUuid = ? AND Kind = ''\"",
      "store/control",
      "excludes and includes",
    ],
  ]),
  ...inFile("domain/migration.ts", [
    [
      "states-running-refused",
      'running: ["succeeded",',
      'running: ["refused", "succeeded",',
      "unit/carrying",
      "go from planned to running",
    ],
  ]),
  ...inFile("domain/clocks.ts", [
    [
      "clocks-disagree",
      "const tolerated = 30;",
      "const tolerated = 3e9;",
      "programs/case-clock-jump",
      "keeps all of the history",
    ],
  ]),
];
