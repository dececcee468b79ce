/** All the breakages that are tried. */
import { asking } from "./asking.ts";
import { deciding } from "./deciding.ts";
import { keeping } from "./keeping.ts";
import type { Mutant } from "./mutant.ts";

export const mutants: readonly Mutant[] = [...deciding, ...keeping, ...asking];
