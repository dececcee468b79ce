/** What docs/plan.schema.json has against a plan that a program printed. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

const schema = JSON.parse(
  readFileSync(new URL("../../docs/plan.schema.json", import.meta.url), "utf8"),
) as object;
const validate = new Ajv2020({
  allErrors: true,
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
}).compile(schema);

/** One line a fault: where it stands and what was expected; none of a plan that is as published. */
export function planFaults(plan: unknown): readonly string[] {
  if (validate(JSON.parse(JSON.stringify(plan)))) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
