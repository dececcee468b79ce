/** What a quiet run says: nothing, until something went wrong; then everything that led there is of use. */

export interface RunOutput {
  readonly print: (line: string) => void;
  /** The run was refused by a gate that opens again by itself. */
  readonly passing: () => void;
  /** Says what was kept back. */
  readonly tell: () => void;
}

/** The thesis' line on a migration under way, which tells whoever looks at it that it goes on. */
const progressLine = /^(?:[\d-]+ [\d:]+ UTC {2})?Progress: [\d.]+(?: \(.*\))?$/;

/**
 * Keeps lines back until `tell` gives them to `warn`. Lines on progress are of no use afterwards; and where the run was
 * refused by a gate that is passing, and has nothing else to say, it says nothing.
 */
export function keptBack(warn: (line: string) => void): RunOutput {
  const kept: string[] = [];
  let passing = false;
  return {
    print: (line) => {
      if (!progressLine.test(line)) kept.push(line);
    },
    passing: () => {
      passing = true;
    },
    tell: () => {
      if (!passing || kept.length > 1) kept.forEach(warn);
    },
  };
}
