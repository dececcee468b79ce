/** What runs remember of searches that found nothing, so that the next ones do not spend their time again. */
import type { ControlState } from "../domain/controlState.ts";
import type { Plan } from "../planner/plan.ts";
import { rememberFruitless } from "../store/fruitless.ts";
import type { LeasedRun } from "./strategy.ts";

/** Writes nothing where the run has found what is known already. */
export async function noteSearch(
  { db, heldLease }: LeasedRun,
  { fruitless = null }: ControlState,
  plan: Plan,
): Promise<void> {
  if (plan.searchBefore !== undefined) return;
  if (plan.fruitless === undefined && fruitless === null) return;
  await rememberFruitless(db, heldLease.leaseToken, plan.fruitless ?? null);
}
