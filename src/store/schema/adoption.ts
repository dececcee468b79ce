/** Recognises a database that was made by the thesis' statements, before we put our hands on it. */
import { AppError } from "../../domain/errors.ts";
import type { Session } from "../session.ts";

const thesisColumns: Readonly<Record<string, readonly string[]>> = {
  Host: [
    "UUID",
    "MemoryTotalMb",
    "MemoryFreeMb",
    "XapiMemoryUsageMb",
    "XapiFreeMemoryMb",
    "PifLoRxKb",
    "PifLoTxKb",
    "PifEth0RxKb",
    "PifEth0TxKb",
    "Dom0LoadAvg",
    "CpuAverage",
    "Ip",
    "CpuNum",
    "Name",
  ],
  Vm: [
    "UUID",
    "MemoryMb",
    "MemoryInternalFreeMb",
    "Vif0TxKb",
    "Vif0RxKb",
    "VcpuAverage",
    "VcpuNum",
    "PowerState",
    "IsControlDomain",
    "Name",
  ],
  Map: ["HostUuid", "VmUuid"],
  HostRule: ["Subject", "Threshold"],
};

/**
 * Checks that tables with the thesis' names, as far as there are any, have the thesis' columns in their order.
 * @throws AppError "schema" that names the first one which does not: it is somebody else's, and stays untouched.
 */
export async function refuseForeignTables(session: Session, database: string): Promise<void> {
  const rows = await session.rows(
    `SELECT LOWER(TABLE_NAME) AS tableName, COLUMN_NAME AS columnName FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    [database],
  );
  for (const [table, wanted] of Object.entries(thesisColumns)) {
    const own = rows.filter((row) => row["tableName"] === table.toLowerCase());
    const columns = own.map((row) => String(row["columnName"]));
    if (columns.length === 0 || columns.join().toLowerCase() === wanted.join().toLowerCase()) continue;
    throw new AppError(
      "schema",
      `database ${database} holds a table ${table} that is not the thesis': it has the columns ${columns.join(", ")}; name another database in MysqlDatabase, or move that table away`,
    );
  }
}
