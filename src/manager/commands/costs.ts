/** SHOW COSTS: what migrations cost in this pool, as control has measured it and counts with it. Read only. */
import { bandwidthOf } from "../../store/bandwidth.ts";
import type { Database } from "../../store/connection.ts";
import type { Result } from "../result.ts";
import { namesIn } from "./migrations.ts";

/** The costs of the newest migrations; what is assumed where none was measured. */
export async function showCosts(db: Database): Promise<Result> {
  return { kind: "costs", costs: await bandwidthOf(db), names: await namesIn(db) };
}
