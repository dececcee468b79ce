/** Which options of xcp-control go together. Pure. */

/** The options by their names as they are typed. */
export interface Given {
  readonly interval?: number;
  readonly dryRun?: true;
  readonly exitCode?: true;
  readonly instant?: true;
  readonly ack?: true;
  readonly evacuate?: string;
  readonly squeeze?: true;
  readonly save?: string;
  readonly apply?: string;
  readonly html?: string;
  readonly makeRoom?: string | true;
  readonly for?: string;
  readonly format?: string;
  readonly verbose?: true;
  readonly json?: true;
}

type Name = keyof Given;

const typed: Readonly<Record<Name, string>> = {
  interval: "--interval",
  dryRun: "--dry-run",
  exitCode: "--exit-code",
  instant: "--instant",
  ack: "--ack",
  evacuate: "--evacuate",
  squeeze: "--squeeze",
  save: "--save",
  apply: "--apply",
  html: "--html",
  makeRoom: "--make-room",
  for: "--for",
  format: "--format",
  verbose: "--verbose",
  json: "--json",
};

/** Options that need another one, or one of several. */
const needed: readonly (readonly [Name, ...(readonly Name[])])[] = [
  ["exitCode", "dryRun"],
  ["save", "dryRun"],
  ["html", "dryRun"],
  ["squeeze", "evacuate", "makeRoom"],
  ["for", "makeRoom"],
  ["format", "dryRun"],
  ["verbose", "dryRun"],
];

/** Options that do not go together, with the reason where it is not plain. */
const apart: readonly (readonly [Name, Name, string?])[] = [
  ["ack", "interval"],
  ["ack", "dryRun"],
  ["ack", "evacuate"],
  ["ack", "apply"],
  ["evacuate", "interval", "a host is emptied once"],
  ["evacuate", "apply"],
  ["evacuate", "save", "only plans that keep the rules can be saved"],
  ["makeRoom", "interval", "room is made once"],
  ["makeRoom", "evacuate"],
  ["makeRoom", "apply"],
  ["makeRoom", "save", "only plans that keep the rules can be saved"],
  ["ack", "makeRoom"],
  ["format", "json"],
  ["format", "verbose"],
  ["apply", "interval", "a saved plan is carried out once"],
  ["apply", "save"],
  ["save", "interval"],
  ["html", "interval"],
  ["html", "makeRoom", "there is no page of that"],
  ["html", "apply", "the page of a saved plan is made when it is saved"],
];

/** What is wrong with the options, in a sentence; null where nothing is. */
export function contradiction(given: Given): string | null {
  for (const [one, ...others] of needed) {
    if (given[one] !== undefined && others.every((other) => given[other] === undefined))
      return `${typed[one]} goes with ${others.map((other) => typed[other]).join(" or ")}`;
  }
  for (const [one, other, why] of apart) {
    if (given[one] === undefined || given[other] === undefined) continue;
    return `${typed[one]} and ${typed[other]} do not go together${why === undefined ? "" : `: ${why}`}`;
  }
  return null;
}
