/** What is summed up of a program's runs: counts that outlive the rows of the table ProgramRun. */
import type { GateCode } from "../domain/gate.ts";
import type { ProgramName, RunOutcome } from "../domain/run.ts";
import { sinceEpoch } from "./columnTypes.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { number } from "./values.ts";

export interface RunStatistics {
  /** Runs that ended, by outcome; of every outcome, with 0 where none did. */
  readonly runs: ReadonlyMap<RunOutcome, number>;
  /** Runs that were refused, by the gate's code. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Seconds since 1970 when the last run ended that did its work; null where none is remembered. */
  readonly lastSuccessAt: number | null;
}

const outcomes: readonly RunOutcome[] = [
  "done",
  "nothing",
  "observed",
  "partly",
  "refused",
  "passed",
  "failed",
];

/** Counts the run `id`, in the transaction that records its end. */
export async function countRun(
  writer: Writer,
  id: string,
  outcome: RunOutcome,
  gate: GateCode | null,
): Promise<void> {
  await writer.run(
    `INSERT INTO RunCount (Program, Outcome, Gate, Runs)
     SELECT Program, ?, ?, 1 FROM ProgramRun WHERE Id = ?
     ON DUPLICATE KEY UPDATE Runs = RunCount.Runs + 1`,
    [outcome, gate ?? "", id],
  );
}

export async function runStatistics(db: Database, program: ProgramName): Promise<RunStatistics> {
  return db.read((reader) => runStatisticsIn(reader, program));
}

/** The same inside a transaction. */
export async function runStatisticsIn(reader: Reader, program: ProgramName): Promise<RunStatistics> {
  const runs = new Map<RunOutcome, number>(outcomes.map((outcome) => [outcome, 0]));
  const refusals = new Map<string, number>();
  const rows = await reader.rows("SELECT Outcome, Gate, Runs FROM RunCount WHERE Program = ?", [program]);
  for (const row of rows) {
    const outcome = outcomes.find((each) => each === row["Outcome"]);
    const count = number(row["Runs"]) ?? 0;
    if (outcome !== undefined) runs.set(outcome, (runs.get(outcome) ?? 0) + count);
    const gate = String(row["Gate"]);
    if (gate !== "") refusals.set(gate, (refusals.get(gate) ?? 0) + count);
  }
  const [last] = await reader.rows(
    `SELECT ${sinceEpoch("MAX(FinishedAt)")} AS at FROM ProgramRun
      WHERE Program = ? AND Outcome IN ('done', 'nothing', 'observed')`,
    [program],
  );
  return { runs, refusals, lastSuccessAt: number(last?.["at"]) };
}
