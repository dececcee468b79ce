/** The table HostRule: the administrator's rules. Only the manager writes it. */
import { AppError } from "../errors.ts";
import { describeRule, parseSubject, type Rule, type Subject, subjects } from "../rule.ts";
import type { Database, Reader } from "./connection.ts";

/** A row of HostRule that this program cannot follow: somebody's slip of the pen, or a later version's rule. */
export interface UnknownRule {
  readonly subject: string;
  readonly threshold: number;
  readonly reason: string;
}

/** Every row of HostRule: rules in the order of `subjects`, and the rows that are none. */
export async function readRules(
  db: Database,
): Promise<{ readonly rules: readonly Rule[]; readonly unknown: readonly UnknownRule[] }> {
  const rows = await db.read((reader) =>
    reader.rows("SELECT Subject, Threshold FROM HostRule ORDER BY Subject"),
  );
  const rules: Rule[] = [];
  const unknown: UnknownRule[] = [];
  for (const row of rows) {
    const [written, threshold] = [String(row["Subject"]), Number(row["Threshold"])];
    const subject = parseSubject(written);
    if (subject === null) {
      const reason = `${written} is not one of ${subjects.join(", ")}`;
      unknown.push({ subject: written, threshold, reason });
    } else if (!(threshold >= 0)) {
      unknown.push({ subject: written, threshold, reason: `threshold ${threshold} is below 0` });
    } else {
      rules.push({ subject, threshold });
    }
  }
  rules.sort((a, b) => subjects.indexOf(a.subject) - subjects.indexOf(b.subject));
  return { rules, unknown };
}

/** The rules, in the order of `subjects`. Rows that are none are left out: whoever acts on rules asks readRules. */
export async function listRules(db: Database): Promise<readonly Rule[]> {
  return (await readRules(db)).rules;
}

/** Adds a rule. @throws AppError "conflict" when its subject has one, which stays as it is. */
export async function createRule(db: Database, rule: Rule): Promise<void> {
  await db.write<true>(
    async (writer) => {
      try {
        await writer.run("INSERT INTO HostRule (Subject, Threshold) VALUES (?, ?)", [
          rule.subject,
          rule.threshold,
        ]);
        return true;
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        throw await conflict(writer, rule.subject, error);
      }
    },
    {
      verify: async (reader) => ((await thresholdOf(reader, rule.subject)) === rule.threshold ? true : null),
    },
  );
}

/** Deletes the rule of `subject`; false when there is none. */
export async function deleteRule(db: Database, subject: Subject): Promise<boolean> {
  return db.write(
    async (writer) => (await writer.run("DELETE FROM HostRule WHERE Subject = ?", [subject])) > 0,
    { verify: async (reader) => ((await thresholdOf(reader, subject)) === null ? true : null) },
  );
}

async function thresholdOf(reader: Reader, subject: Subject): Promise<number | null> {
  const [row] = await reader.rows("SELECT Threshold FROM HostRule WHERE Subject = ?", [subject]);
  return row === undefined ? null : Number(row["Threshold"]);
}

async function conflict(reader: Reader, subject: Subject, cause: unknown): Promise<AppError> {
  const threshold = await thresholdOf(reader, subject);
  const present = threshold === null ? subject : describeRule({ subject, threshold });
  return new AppError("conflict", `There is a rule already: ${present}. Delete it first.`, { cause });
}

/** MySQL's number for a second row with the same key. */
function isDuplicate(error: unknown): boolean {
  return error instanceof Error && "errno" in error && error.errno === 1062;
}
