/** What a parser says instead of a result. */

/** Why a text is not what it should be, in a sentence for the operator; safe to print. */
export interface Problem {
  readonly kind: "problem";
  readonly message: string;
}

export function problem(message: string): Problem {
  return { kind: "problem", message };
}

export function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "problem";
}
