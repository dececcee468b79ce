/** The table ProgramRun: when each program ran and what came of it. */
import type { Database, Reader, Row, Writer } from "./connection.ts";
import { ageSeconds, dateOrNull, number, textOrNull } from "./values.ts";

export type ProgramName = "xcp-collect" | "xcp-control";

/**
 * - done: it did what there was to do; nothing: there was nothing to do;
 * - partly: some of it failed; refused: a gate was closed; passed: another run was at work; failed: it could not run.
 */
export type RunOutcome = "done" | "nothing" | "partly" | "refused" | "passed" | "failed";

export interface ProgramRun {
  readonly id: string;
  readonly program: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Date;
  readonly startedSecondsAgo: number;
  /** Null while it runs, or where it was killed. */
  readonly finishedAt: Date | null;
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly detail: string | null;
}

const keptDays = 31;

/** Which process of which program. */
export interface Runner {
  readonly program: ProgramName;
  readonly host: string;
  readonly pid: number;
}

/** Records the start of a run, and forgets the program's runs of more than a month ago. Returns the run's id. */
export async function startRun(db: Database, { program, host, pid }: Runner): Promise<string> {
  const id = crypto.randomUUID();
  await db.write<void>(
    async (writer) => {
      await forgetOld(writer, program);
      await writer.run(
        "INSERT INTO ProgramRun (Id, Program, HostName, Pid, StartedAt) VALUES (?, ?, ?, ?, UTC_TIMESTAMP(6))",
        [id, program, host.slice(0, 255), pid],
      );
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
      await writer.run(
        `INSERT INTO ProgramRun (Id, Program, HostName, Pid, StartedAt, FinishedAt, Outcome, ExitCode, Detail)
         VALUES (?, ?, ?, ?, TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6), ?, ?, ?)`,
        [
          id,
          program,
          host.slice(0, 255),
          pid,
          -Math.round(end.seconds * 1e6),
          end.outcome,
          end.exitCode,
          end.detail,
        ],
      );
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

/** Records how the run ended. */
export async function finishRun(
  db: Database,
  id: string,
  { outcome, exitCode, detail }: { outcome: RunOutcome; exitCode: number; detail: string | null },
): Promise<void> {
  await db.write<void>(
    async (writer) => {
      await writer.run(
        "UPDATE ProgramRun SET FinishedAt = UTC_TIMESTAMP(6), Outcome = ?, ExitCode = ?, Detail = ? WHERE Id = ?",
        [outcome, exitCode, detail, id],
      );
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
      `SELECT ${columns} FROM ProgramRun WHERE Program = ? ORDER BY StartedAt DESC LIMIT ${Math.trunc(limit)}`,
      [program],
    ),
  );
  return rows.map(runFrom);
}

/** The newest run of a program that did its work; null when none is remembered. */
export async function lastSuccess(db: Database, program: ProgramName): Promise<ProgramRun | null> {
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT ${columns} FROM ProgramRun WHERE Program = ? AND Outcome IN ('done', 'nothing')
        ORDER BY StartedAt DESC LIMIT 1`,
      [program],
    ),
  );
  return rows[0] === undefined ? null : runFrom(rows[0]);
}

const columns = `Id, Program, HostName, Pid, StartedAt, ${ageSeconds("StartedAt")} AS age, FinishedAt, Outcome,
  ExitCode, Detail`;

async function runOf(reader: Reader, id: string): Promise<ProgramRun | null> {
  const [row] = await reader.rows(`SELECT ${columns} FROM ProgramRun WHERE Id = ?`, [id]);
  return row === undefined ? null : runFrom(row);
}

function runFrom(row: Row): ProgramRun {
  return {
    id: String(row["Id"]),
    program: String(row["Program"]),
    host: String(row["HostName"]),
    pid: Number(row["Pid"]),
    startedAt: dateOrNull(row["StartedAt"]) ?? new Date(Number.NaN),
    startedSecondsAgo: number(row["age"]) ?? 0,
    finishedAt: dateOrNull(row["FinishedAt"]),
    outcome: textOrNull(row["Outcome"]),
    exitCode: number(row["ExitCode"]),
    detail: textOrNull(row["Detail"]),
  };
}
