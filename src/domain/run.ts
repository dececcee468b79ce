/** A run of a program: of which, and what came of it. */

export type ProgramName = "xcp-collect" | "xcp-control";

/**
 * - done: it did what there was to do; nothing: there was nothing to do; observed: it recorded what it would have done;
 * - partly: some of it failed; refused: a gate was closed; passed: another run was at work; failed: it could not run.
 */
export type RunOutcome = "done" | "nothing" | "observed" | "partly" | "refused" | "passed" | "failed";
