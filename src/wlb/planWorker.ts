/** The thread that plans: one request after another, each by its number. It has a connection of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { describeError } from "../domain/errors.ts";
import type { Uuid } from "../domain/pool.ts";
import type { ControlSettings } from "../settings/types.ts";
import { openDatabase, type StoreOptions } from "../store/connection.ts";
import { DirectPlanner } from "./planning.ts";

/** What the thread begins with. */
export interface PlanWorkerData {
  readonly store: StoreOptions;
  readonly control: ControlSettings;
}

export type PlanQuestion =
  | { readonly id: number; readonly ask: "plan" }
  | { readonly id: number; readonly ask: "lastUses" }
  | { readonly id: number; readonly ask: "evacuate"; readonly host: Uuid };

export type PlanReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

const { store, control } = workerData as PlanWorkerData;
let planner: Promise<DirectPlanner> | null = null;

/** Connects when it is first asked, and again where that failed. */
function connected(): Promise<DirectPlanner> {
  planner ??= openDatabase(store).then(
    (db) => new DirectPlanner(db, control),
    (error: unknown) => {
      planner = null;
      throw error;
    },
  );
  return planner;
}

async function resultOf(question: PlanQuestion): Promise<unknown> {
  const own = await connected();
  if (question.ask === "evacuate") return own.evacuate(question.host);
  return question.ask === "plan" ? own.plan() : own.lastUses();
}

parentPort?.on("message", (question: PlanQuestion) => {
  const { id } = question;
  resultOf(question).then(
    (result) => parentPort?.postMessage({ id, result } satisfies PlanReply),
    (error: unknown) => parentPort?.postMessage({ id, error: describeError(error) } satisfies PlanReply),
  );
});
