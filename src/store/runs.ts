/** The table ProgramRun: when each program ran and what came of it. */
import type { GateCode } from "../domain/gate.ts";
import type { ProgramName, RunOutcome } from "../domain/run.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { countRun } from "./runStatistics.ts";
import { expression, insertRow, now, updateRows } from "./statements.ts";
import { type ProgramRun, programRunTable } from "./tables/ProgramRun.ts";
import { textOrNull } from "./values.ts";

export type { ProgramName, RunOutcome } from "../domain/run.ts";
export type { ProgramRun } from "./tables/ProgramRun.ts";

const keptDays = 31;

/** Which process of which program. */
export interface Runner {
  readonly program: ProgramName;
  readonly host: string;
  readonly pid: number;
  /** Of a run of xcp-control that only observes. */
  readonly mode?: "observe";
}

/** Records the start of a run, and forgets the program's runs of more than a month ago. Returns the run's id. */
export async function startRun(db: Database, { program, host, pid, mode }: Runner): Promise<string> {
  const id = crypto.randomUUID();
  await db.write<void>(
    async (writer) => {
      await forgetOld(writer, program);
      await insertRow(writer, programRunTable, {
        id,
        program,
        host: host.slice(0, 255),
        pid,
        startedAt: now,
        mode: mode ?? null,
      });
    },
    { verify: async (reader) => ((await runOf(reader, id)) === null ? null : undefined) },
  );
  return id;
}

/** Takes back the record of a run that never was one: what it was asked for makes no sense. */
export async function forgetRun(db: Database, id: string): Promise<void> {
  await db.write<void>(
    async (writer) => void (await writer.run("DELETE FROM ProgramRun WHERE Id = ?", [id])),
    {
      verify: async (reader) => ((await runOf(reader, id)) === null ? undefined : null),
    },
  );
}

/** Records a run that is over, in one step: for programs whose work stands in the database by itself. */
export async function recordRun(
  db: Database,
  { program, host, pid }: Runner,
  end: {
    readonly seconds: number;
    readonly outcome: RunOutcome;
    readonly exitCode: number;
    readonly detail: string | null;
  },
): Promise<void> {
  const id = crypto.randomUUID();
  await db.write<void>(
    async (writer) => {
      await forgetOld(writer, program);
      const { seconds, ...ended } = end;
      await insertRow(writer, programRunTable, {
        id,
        program,
        host: host.slice(0, 255),
        pid,
        startedAt: expression("TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6))", -Math.round(seconds * 1e6)),
        finishedAt: now,
        ...ended,
      });
      await countRun(writer, id, end.outcome, null);
    },
    { verify: async (reader) => ((await runOf(reader, id)) === null ? null : undefined) },
  );
}

/** No more than a day of them at a time: a clock that jumped ahead shall not empty the table. */
async function forgetOld(writer: Writer, program: ProgramName): Promise<void> {
  const [first] = await writer.rows(
    "SELECT DATE_FORMAT(MIN(StartedAt), '%Y-%m-%d %H:%i:%s.%f') AS oldest FROM ProgramRun WHERE Program = ?",
    [program],
  );
  await writer.run(
    `DELETE FROM ProgramRun WHERE Program = ? AND StartedAt < TIMESTAMPADD(DAY, -${keptDays}, UTC_TIMESTAMP(6))
        AND StartedAt < TIMESTAMPADD(DAY, 1, CAST(? AS DATETIME(6)))
      ORDER BY StartedAt LIMIT 1000`,
    [program, textOrNull(first?.["oldest"])],
  );
}

/** How a run ended. */
export interface RunEnding {
  readonly outcome: RunOutcome;
  readonly exitCode: number;
  readonly detail: string | null;
  /** The gate that refused it. */
  readonly gate?: GateCode | null;
}

/** Records how the run ended. */
export async function finishRun(
  db: Database,
  id: string,
  { outcome, exitCode, detail, gate = null }: RunEnding,
): Promise<void> {
  await db.write<void>(
    async (writer) => {
      await updateRows(
        writer,
        programRunTable,
        { finishedAt: now, outcome, exitCode, detail, gate },
        expression("Id = ?", id),
      );
      await countRun(writer, id, outcome, gate);
    },
    { verify: async (reader) => ((await runOf(reader, id))?.finishedAt ? undefined : null) },
  );
}

/** The newest runs of a program, newest first. */
export async function listRuns(
  db: Database,
  program: ProgramName,
  limit = 20,
): Promise<readonly ProgramRun[]> {
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT ${programRunTable.selected} FROM ProgramRun WHERE Program = ? ORDER BY StartedAt DESC LIMIT ${Math.trunc(limit)}`,
      [program],
    ),
  );
  return rows.map(programRunTable.read);
}

/** The newest run of a program that did its work; null when none is remembered. */
export async function lastSuccess(db: Database, program: ProgramName): Promise<ProgramRun | null> {
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT ${programRunTable.selected} FROM ProgramRun WHERE Program = ? AND Outcome IN ('done', 'nothing', 'observed')
        ORDER BY StartedAt DESC LIMIT 1`,
      [program],
    ),
  );
  return rows[0] === undefined ? null : programRunTable.read(rows[0]);
}

async function runOf(reader: Reader, id: string): Promise<ProgramRun | null> {
  const [row] = await reader.rows(`SELECT ${programRunTable.selected} FROM ProgramRun WHERE Id = ?`, [id]);
  return row === undefined ? null : programRunTable.read(row);
}
