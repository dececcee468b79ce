/** What a parser says instead of a result. */

/** Why a text is not what it should be, in a sentence for the operator; safe to print. */
export interface TextProblem {
  readonly kind: "problem";
  readonly message: string;
}

export function problem(message: string): TextProblem {
  return { kind: "problem", message };
}

export function isProblem(value: unknown): value is TextProblem {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "problem";
}
