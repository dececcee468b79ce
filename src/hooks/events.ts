/** The events that hooks are run on, and what they are told. Pure. */

/** By their names, as the names of hooks begin. Those that begin with before- are asked: they can say no. */
export const hookEvents = [
  "before-plan",
  "before-move",
  "after-move",
  "on-refusal",
  "on-breaker",
  "on-alarm",
  "on-host-power",
] as const;

export type HookEvent = (typeof hookEvents)[number];
export type AskedEvent = Extract<HookEvent, `before-${string}`>;
export type ToldEvent = Exclude<HookEvent, AskedEvent>;

/** The version of what hooks are told; a field may come to it, none goes. */
export const hookVersion = 1;

/** What a hook is told beside what is true of the whole run. */
export interface HookFacts {
  /** One sentence, as a person would read it. */
  readonly text: string;
  /** The facts that are short enough for the environment: XCP_BALANCE_ and the name in capitals. */
  readonly facts: Readonly<Record<string, string | number | null>>;
  /** All of it, for JSON. */
  readonly detail: object;
}

/** What is true of a whole run. */
export interface HookRun {
  readonly program: string;
  /** Of xcp-control: act or observe. */
  readonly mode: string;
  readonly poolUuid: string | null;
  readonly poolName: string | null;
}

/** What stands on a hook's standard input: one line of JSON. */
export function hookInput(event: HookEvent, run: HookRun, { text, detail }: HookFacts, at: Date): string {
  const { program, mode, poolUuid, poolName } = run;
  const pool = { uuid: poolUuid, name: poolName };
  return `${JSON.stringify({ version: hookVersion, event, at: at.toISOString(), program, mode, pool, text, ...detail })}\n`;
}

/** Longest value of a variable, in characters: the environment is not made for more. */
const longestValue = 1_000;

/** The variables of one event. No value has a NUL or a line end in it. */
export function hookVariables(
  event: HookEvent,
  run: HookRun,
  { text, facts }: HookFacts,
): Record<string, string> {
  const all = {
    event,
    program: run.program,
    mode: run.mode,
    poolUuid: run.poolUuid,
    poolName: run.poolName,
    text,
    ...facts,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      value === null ? [] : [[variableName(name), safeValue(String(value))]],
    ),
  );
}

/** vmUuid -> XCP_BALANCE_VM_UUID */
export function variableName(fact: string): string {
  return `XCP_BALANCE_${fact.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase()}`;
}

function safeValue(text: string): string {
  const characters = [...text.replace(/\p{Cc}/gu, " ")];
  return characters.slice(0, longestValue).join("");
}

/** The event that a hook of this name is run on: before-plan, before-plan-10-backup, before-plan.sh; null for none. */
export function eventOf(fileName: string): HookEvent | null {
  return (
    hookEvents.find((event) => fileName === event || /^[-_.]/.test(afterPrefix(fileName, event))) ?? null
  );
}

function afterPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : "";
}

/** Copies that editors and package managers leave behind, and hidden files: nobody means them to run. */
export function isLeftover(fileName: string): boolean {
  return /^\.|~$|\.(?:bak|orig|rej|swp|dpkg-\w+|rpmsave|rpmnew|sample|md)$/.test(fileName);
}
