/** A small breakage of a guard, and the test that must notice it. */
export interface Mutant {
  /** Of its own in the list: `npm run soak -- mutants --only NAME`. */
  readonly name: string;
  /** From the project's root. */
  readonly file: string;
  /** Stands in the file once, and becomes `to`. */
  readonly from: string;
  readonly to: string;
  /** The test file that must fail, from test/. */
  readonly test: string;
  /** A part of the full names of the tests that are run there, groups and all. */
  readonly named: string;
}

/** [name, from, to, test, named]: how the lists of one source file are written. */
export type Breakage = readonly [name: string, from: string, to: string, test: string, named: string];

/** The breakages of one source file, given from src/. */
export function inFile(file: string, breakages: readonly Breakage[]): readonly Mutant[] {
  return breakages.map(([name, from, to, test, named]) => ({
    name,
    file: `src/${file}`,
    from,
    to,
    test: `test/${test}.test.ts`,
    named,
  }));
}

/** The text of the file with the guard broken; what is wrong where the text to replace does not stand there once. */
export function broken(
  text: string,
  { from, to }: Mutant,
): { readonly text: string } | { readonly wrong: string } {
  const times = text.split(from).length - 1;
  if (times === 1) return { text: text.replace(from, () => to) };
  return {
    wrong: times === 0 ? "the text to replace is gone" : `the text to replace stands there ${times} times`,
  };
}
