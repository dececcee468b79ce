/**
 * Which term of each chain is to be cured: one is enough. Pure.
 *
 * Rules of one term leave no choice. Of chains all combinations are listed, up to a limit.
 */

/** Combinations beyond which the last chains are left out of a bound, or keep one term in a search. */
const mostChoices = 24;

/**
 * One term of each group in every way there is. Where that would be too many, the last groups are left out, so that
 * what every choice needs is needed by any plan.
 */
export function choicesWithin(groups: readonly (readonly number[])[]): readonly (readonly number[])[] {
  let choices: number[][] = [[]];
  for (const group of groups.toSorted((a, b) => a.length - b.length)) {
    if (choices.length * group.length > mostChoices) break;
    choices = choices.flatMap((choice) => group.map((term) => [...choice, term]));
  }
  return choices;
}

/** `terms` by their rules: those of one chain stand together. */
export function byRule(terms: readonly number[], first: Int32Array): readonly (readonly number[])[] {
  const groups = new Map<number, number[]>();
  for (const r of terms) {
    const lead = first[r] ?? r;
    const group = groups.get(lead);
    if (group === undefined) groups.set(lead, [r]);
    else group.push(r);
  }
  return [...groups.values()];
}
