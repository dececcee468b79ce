/** Time that passes in the database of a test only. */
import { laterStatements } from "../../src/demo/fastMotion.ts";
import { asRoot } from "./database.ts";

/** Moves all times in `database` back by `seconds`. */
export async function later(database: string, seconds: number): Promise<void> {
  await asRoot([...laterStatements(seconds)], database);
}
