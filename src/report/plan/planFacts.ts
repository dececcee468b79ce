/** What a plan's page is made of, besides the plan: what it was made from and by, and what is said of it. Pure. */
import type { Assessment } from "../../decide/assess.ts";
import type { StoredSnapshot } from "../../domain/pool.ts";
import type { Plan } from "../../planner/plan.ts";

export interface PlanFacts {
  /** "Plan that keeps the rules", "Evacuation of Host1". */
  readonly title: string;
  readonly assessment: Assessment & { readonly stored: StoredSnapshot };
  readonly plan: Plan;
  /** What it comes to, for whoever reads nothing else: a line each. */
  readonly findings: readonly string[];
  /** What whoever approves it should know: warnings, VMs that stay, what green rules do. */
  readonly remarks: readonly string[];
  /** The settings that it was made by, by their keys. */
  readonly settings: readonly (readonly [key: string, value: string])[];
  /** How it is carried out: a sentence, and what is typed. */
  readonly apply: { readonly text: string; readonly commands: readonly string[] };
}

/** Who had the page made. */
export interface PlanPageMaker {
  readonly version: string;
  readonly by: string;
  /** Seconds since 1970. */
  readonly at: number;
}
