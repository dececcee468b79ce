/** Breakages of the way to the pool and to the database's server, and of what is asked there. */
import { inFile, type Mutant } from "./mutant.ts";

export const asking: readonly Mutant[] = [
  ...inFile("control/reconcile.ts", [
    [
      "request-seconds",
      "const requestSeconds = 60;",
      "const requestSeconds = 0;",
      "programs/crash-control",
      "F11: and the next run comes",
    ],
    [
      "adopt-running",
      "if (task !== null) return adopt(",
      "if (task !== null && refs.vm !== vm) return adopt(",
      "programs/crash-control",
      "F12:",
    ],
  ]),
  ...inFile("control/check.ts", [
    [
      "recheck-place",
      'if (vm.resident_on !== source) return overtaken("it is on another host now");',
      'if (vm.resident_on !== source && source === "") return overtaken("it is on another host now");',
      "programs/control-recheck",
      "F30: the VM was moved",
    ],
    [
      "recheck-disabled",
      "if (!host.enabled) return",
      "if (!host.enabled && !live) return",
      "programs/control-recheck",
      "F31:",
    ],
    [
      "cap-in-pool",
      "if (inFlight.size >= maxInPool) {",
      "if (inFlight.size >= maxInPool * 100) {",
      "programs/control-carrying",
      "I1:",
    ],
  ]),
  ...inFile("control/watch.ts", [
    [
      "task-is-not-the-truth",
      "if (vm.resident_on === this.#refs.destination && runs)",
      'if (why === "" || (vm.resident_on === this.#refs.destination && runs))',
      "programs/control-failures",
      "success without a move",
    ],
    [
      "migration-deadline",
      "return now >= this.#deadline ?",
      "return now >= 1000 * this.#deadline ?",
      "programs/control-carrying",
      "a migration that takes longer",
    ],
    [
      "pause-now",
      "if (ordered.aborted) return { at: now",
      "if (ordered.aborted && now < 0) return { at: now",
      "programs/control-stop",
      "PAUSE CONTROL NOW: two that run",
    ],
  ]),
  ...inFile("control/run.ts", [
    [
      "observe-only",
      'if (run.options.control.mode === "act") {',
      'if (run.options.control.mode !== "act" || task === undefined) {',
      "programs/control-observe",
      "moves nothing, prints the plan",
    ],
  ]),
  ...inFile("control/stopOrder.ts", [
    [
      "stop-order",
      "if (pause?.cancelRunning)",
      "if (pause?.cancelRunning && this.#inFlight < 0)",
      "programs/control-stop",
      "PAUSE CONTROL NOW: two",
    ],
  ]),
  ...inFile("store/breaker.ts", [
    [
      "stop-order-counts",
      "NOT IN ('pair', 'stopped')",
      "NOT IN ('pair')",
      "programs/control-stop",
      "PAUSE CONTROL NOW: two",
    ],
  ]),
  ...inFile("xapi/tls.ts", [
    [
      "pins",
      "if (!pins.includes(normalFingerprint(seen))) return",
      'if (!pins.includes(normalFingerprint(seen)) && seen === "") return',
      "xapi/tls-trust",
      "a host with another certificate than the pinned one",
    ],
    [
      "pins-expired",
      "if (now > Date.parse(certificate.valid_to)) return",
      "if (now < 0) return",
      "xapi/tls-trust",
      "the pinned certificate is refused once it has expired",
    ],
    [
      "certificates-refused",
      'rejectUnauthorized: trust.kind !== "fingerprints",',
      "rejectUnauthorized: trust === null,",
      "xapi/tls-trust",
      "a self-signed certificate that nobody vouches for",
    ],
  ]),
  ...inFile("xapi/login.ts", [
    ["redirects", "const maxRedirects = 2;", "const maxRedirects = 20;", "xapi/client-session", "F21:"],
    [
      "redirect-stranger",
      "if (this.#options.pins.length === 0 && !(await",
      "if (this.#options.pins.length < 0 && !(await",
      "programs/case-redirect",
      "case redirect",
    ],
    [
      "wrong-password-once",
      "const aboutTheUser = /AUTH|RBAC",
      "const aboutTheUser = /RBAC",
      "xapi/client-session",
      "a wrong password is tried once",
    ],
    [
      "another-pool",
      "if (expected !== null && pool.uuid",
      'if (expected === "" && pool.uuid',
      "xapi/client-session",
      "an ejected member",
    ],
  ]),
  ...inFile("xapi/session.ts", [
    [
      "session-to-strangers",
      "if (pins.length > 0 || (await known.mayAsk(address, endpoint)))",
      "if (pins.length >= 0 || (await known.mayAsk(address, endpoint)))",
      "programs/case-redirect",
      "the session id goes to no address",
    ],
    [
      "pool-met-first",
      "expectedPoolUuid: used.pool.uuid",
      "expectedPoolUuid: null",
      "xapi/client-session",
      "a session is not renewed in another pool",
    ],
  ]),
  ...inFile("xapi/transport.ts", [
    [
      "deadline-of-a-call",
      "const timer = setTimeout(late, deadlineMs);",
      "const timer = setTimeout(late, 1000 * deadlineMs);",
      "xapi/client-transport",
      "a server that never answers",
    ],
    [
      "answer-limit",
      "if (size + chunk.length > limit) return",
      "if (size + chunk.length > 1e12) return",
      "xapi/client-transport",
      "an endless answer without a length",
    ],
    [
      "one-budget",
      "if (!budget.take(chunk.length)) return",
      "if (!budget.take(chunk.length) && size < 0) return",
      "programs/case-answers-at-once",
      "case answers-at-once",
    ],
  ]),
  ...inFile("xapi/verbs.ts", [
    [
      "migration-once",
      'return this.#understood(method, await this.#session.call(method, params, "once"), read);',
      'return this.#understood(method, await this.#session.call(method, params, "repeatable"), read);',
      "xapi/client-session",
      "a migration whose answer is lost",
    ],
  ]),
  ...inFile("xapi/xml.ts", [
    [
      "xml-depth",
      "const maxDepth = 64;",
      "const maxDepth = 64_000;",
      "xapi/xml-decode",
      "values nest 64 deep",
    ],
  ]),
  ...inFile("program/privateFile.ts", [
    [
      "file-others-read",
      "const othersRead = 0o077;",
      "const othersRead = 0;",
      "programs/case-settings-by-root",
      "password files that others can read",
    ],
    [
      "file-others-write",
      "const othersWrite = 0o022;",
      "const othersWrite = 0;",
      "programs/case-settings-by-root",
      "files that others can change",
    ],
  ]),
  ...inFile("store/authentication.ts", [
    [
      "own-key",
      "if (data[0] === fullAuthentication) {",
      "if (data[0] === fullAuthentication + 95) {",
      "programs/case-own-key",
      "does not tell the password",
    ],
  ]),
];
