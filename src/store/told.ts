/** The table Told: what hooks were told, so that a trouble which lasts is told once and not every minute. */
import type { Database } from "./connection.ts";
import type { ProgramName } from "./runs.ts";

/**
 * Whether `topic` is news: it was never told, or had stopped for an hour, or was told a day ago. Remembers that it is
 * there now, and forgets what has not been for a month.
 */
export async function isNews(db: Database, program: ProgramName, topic: string): Promise<boolean> {
  const key = [...topic].slice(0, 200).join("");
  return db.write(
    async (writer) => {
      await writer.run(
        "DELETE FROM Told WHERE Program = ? AND LastAt < TIMESTAMPADD(DAY, -31, UTC_TIMESTAMP(6)) LIMIT 1000",
        [program],
      );
      const [row] = await writer.rows(
        `SELECT LastAt < TIMESTAMPADD(HOUR, -1, UTC_TIMESTAMP(6)) OR ToldAt < TIMESTAMPADD(DAY, -1, UTC_TIMESTAMP(6)) AS due
           FROM Told WHERE Program = ? AND Topic = ?`,
        [program, key],
      );
      const due = row === undefined || Number(row["due"]) === 1;
      await writer.run(
        `INSERT INTO Told (Program, Topic, ToldAt, LastAt) VALUES (?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
         ON DUPLICATE KEY UPDATE LastAt = UTC_TIMESTAMP(6), ToldAt = IF(?, UTC_TIMESTAMP(6), ToldAt)`,
        [program, key, due ? 1 : 0],
      );
      return due;
    },
    // Whether it was told is not worth a second look: twice is better than never.
    { verify: async () => true },
  );
}

/** The same trouble with other figures is the same topic. */
export function topicOf(kind: string, text: string): string {
  return `${kind}: ${text.replace(/\d+(?:\.\d+)?/g, "#")}`;
}
