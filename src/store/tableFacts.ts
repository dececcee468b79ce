/** How the tables stand in the database: engine, character set, size, and the rows that must be there. Read only. */
import type { Database } from "./connection.ts";
import { type ExpectedColumn, expectedTables } from "./schema/expected.ts";
import { readSchemaFiles } from "./schema/files.ts";
import { rowAgain, type SingleRowTable } from "./singleRows.ts";

export interface TableFacts {
  readonly name: string;
  readonly engine: string;
  readonly collation: string;
  /** Columns of text in another character set than sql/ makes them, with the definition that it makes them with. */
  readonly otherCharacters: readonly Pick<ExpectedColumn, "name" | "definition">[];
  /** Data and indexes, as the server estimates them. */
  readonly bytes: number;
}

/** The tables of sql/ that the account of `db` sees. Throws AppError "mysql". */
export async function loadTableFacts(db: Database): Promise<readonly TableFacts[]> {
  const expected = expectedTables(readSchemaFiles().files);
  const ours = new Map(expected.map((table) => [table.name.toLowerCase(), table]));
  return db.read(async (reader) => {
    const columns = await reader.rows(
      `SELECT TABLE_NAME AS tableName, LOWER(COLUMN_NAME) AS columnName, CHARACTER_SET_NAME AS characters
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND CHARACTER_SET_NAME <> 'utf8mb4'`,
      [db.name],
    );
    const tables = await reader.rows(
      `SELECT TABLE_NAME AS tableName, ENGINE AS engine, TABLE_COLLATION AS tableCollation,
              COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS bytes
         FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME`,
      [db.name],
    );
    return tables.flatMap((row): TableFacts[] => {
      const table = ours.get(String(row["tableName"]).toLowerCase());
      if (table === undefined) return [];
      const { name } = table;
      const found = new Map(
        columns
          .filter((column) => column["tableName"] === row["tableName"])
          .map((column) => [String(column["columnName"]), String(column["characters"])]),
      );
      const otherCharacters = table.columns.filter((column) => {
        const characters = found.get(column.name.toLowerCase());
        return characters !== undefined && characters !== charactersIn(column.definition);
      });
      const engine = String(row["engine"] ?? "");
      const collation = String(row["tableCollation"] ?? "");
      return [{ name, engine, collation, otherCharacters, bytes: Number(row["bytes"]) }];
    });
  });
}

function charactersIn(definition: string): string {
  return /CHARACTER SET (\w+)/i.exec(definition)?.[1]?.toLowerCase() ?? "utf8mb4";
}

/** A row that `schema install` puts there and that is gone, and the statement that puts it back. */
export interface MissingRow {
  readonly table: SingleRowTable;
  readonly statement: string;
}

/** The tables of one row that have none. Throws AppError "mysql". */
export async function missingRows(db: Database): Promise<readonly MissingRow[]> {
  const tables = Object.keys(rowAgain) as SingleRowTable[];
  const counts = tables.map((table) => `(SELECT COUNT(*) FROM ${table}) AS ${table}`);
  const [row] = await db.read((reader) => reader.rows(`SELECT ${counts.join(", ")}`));
  return tables
    .filter((table) => Number(row?.[table]) === 0)
    .map((table) => ({ table, statement: rowAgain[table] }));
}
