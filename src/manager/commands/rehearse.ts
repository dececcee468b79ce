/** REHEARSE: what rules would have done with the pool of the last days. Reads the history; never contacts the pool. */
import fs from "node:fs/promises";
import { AppError, describeError } from "../../domain/errors.ts";
import type { CostSample } from "../../domain/migrationCost.ts";
import { isSingle, type Rule, type ServeRule } from "../../domain/rule.ts";
import { controlsMoves, Rehearsal, type RuleSet } from "../../rehearse/rehearsal.ts";
import { rehearsalJson, rehearsalLines } from "../../rehearse/report.ts";
import type { Database } from "../../store/connection.ts";
import { listExclusions } from "../../store/exclusions.ts";
import { loadHistory } from "../../store/history.ts";
import { recentMigrationsIn } from "../../store/migrations.ts";
import { readRules } from "../../store/rules.ts";
import { listRuns } from "../../store/runs.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { notCollected } from "../collected.ts";
import { type Command, command, type ListedCommand, type ManagerContext } from "../command.ts";
import { parseCommand } from "../parse.ts";
import { type Report, reportShown } from "../report.ts";
import { after, problem, quote, readQuoted, readSpan, type TextProblem } from "../words.ts";
import { createHostRule, createServeRule } from "./createRule.ts";

/** What is to be rehearsed. */
export interface RehearsalWish {
  readonly sinceSeconds: number;
  /** Null: as control ran lately. */
  readonly everySeconds: number | null;
  /** Files of CREATE RULE lines: one is compared with the present rules, two with each other. */
  readonly files: readonly string[];
}

const usage = "REHEARSE [SINCE 7d] [EVERY 5m] [RULES file [AND file]]";

export const rehearse: Command<RehearsalWish, Report> = command({
  words: "REHEARSE",
  usage,
  help: [
    [usage, "what rules would have done with the pool of the last days; moves nothing"],
    "REHEARSE SINCE 2d RULES new.xcp",
  ],
  ...reportShown,
  read: readWish,
  run: rehearsal,
});

/** How far back a rehearsal goes where nothing is said. */
const rehearsedSeconds = 7 * 86_400;

/** SINCE, EVERY and RULES in this order, each or none. */
function readWish(rest: string): RehearsalWish | TextProblem {
  const [times, rules] = cut("RULES", rest);
  const [begin, every] = cut("EVERY", times);
  const since = begin === "" ? null : after("SINCE", begin);
  const files = rules === null ? [] : readFiles(rules);
  if ((begin !== "" && since === null) || files === null) {
    return problem(`Write ${usage}, not ${quote(rest)}.`);
  }
  const sinceSeconds = since === null ? rehearsedSeconds : readSpan(since);
  if (typeof sinceSeconds !== "number") return sinceSeconds;
  const everySeconds = every === null ? null : readSpan(every);
  if (everySeconds !== null && typeof everySeconds !== "number") return everySeconds;
  return { sinceSeconds, everySeconds, files };
}

/** `text` before the word, and behind it; null where the word is not there. */
function cut(word: string, text: string): readonly [string, string | null] {
  const found = new RegExp(`(?:^|\\s)${word}(?=\\s|$)`, "i").exec(text);
  if (found === null) return [text.trim(), null];
  return [text.slice(0, found.index).trim(), text.slice(found.index + found[0].length).trim()];
}

/** One file or two; null where that is not what is written. */
function readFiles(text: string): readonly string[] | null {
  const quoted = readQuoted(text);
  const [first, second] = quoted === null ? cut("AND", text) : [quoted.text, after("AND", quoted.behind)];
  if (quoted !== null && quoted.behind !== "" && second === null) return null;
  if (second === null) return first === "" ? null : [first];
  const last = readQuoted(second);
  if (last !== null && last.behind !== "") return null;
  const name = last?.text ?? second;
  return first === "" || name === "" ? null : [first, name];
}

/**
 * Throws AppError file where one cannot be read, usage where it holds anything but rules, not-found where there is nothing
 * to rehearse on.
 */
export async function rehearsal(
  { db, control, commands }: Pick<ManagerContext, "db" | "control" | "commands">,
  { sinceSeconds, everySeconds, files }: RehearsalWish,
): Promise<Report> {
  const stored = await loadSnapshot(db);
  if (stored === null) throw notCollected();
  const sets = await ruleSets(db, commands, files);
  const migrations = await db.read((reader) => recentMigrationsIn(reader, sinceSeconds + daySeconds));
  const replay = new Rehearsal({
    sets,
    settings: control,
    everySeconds: everySeconds ?? (await usualInterval(db)),
    exclusions: await listExclusions(db),
    costs: migrations.flatMap(({ source, destination, memoryBytes, seconds }): CostSample[] =>
      memoryBytes === null || seconds === null ? [] : [{ source, destination, memoryBytes, seconds }],
    ),
    isControls: controlsMoves(migrations),
  });
  const since = new Date(stored.collection.startedAt.getTime() - sinceSeconds * 1000);
  const until = new Date(stored.collection.startedAt.getTime() + 1000);
  for await (const { snapshot, collection } of loadHistory(db, { since, until })) {
    if (snapshot.pool.uuid !== stored.snapshot.pool.uuid) continue;
    replay.see({
      seconds: collection.startedAt.getTime() / 1000,
      snapshot,
      complete: collection.complete,
    });
  }
  const result = replay.result();
  if (result === null) {
    throw new AppError("not-found", "No collection of that time is kept: see HistorySnapshotDays.");
  }
  return { lines: rehearsalLines(result), object: rehearsalJson(result) };
}

const daySeconds = 86_400;

async function ruleSets(
  db: Database,
  commands: readonly ListedCommand[],
  files: readonly string[],
): Promise<readonly RuleSet[]> {
  const written = await Promise.all(
    files.map(async (name) => ({ name, ...(await rulesIn(commands, name)) })),
  );
  if (written.length > 1) return written;
  const present = await readRules(db);
  const rules = present.rules.filter((rule) => isSingle(rule) || rule.enabled);
  const serving = present.serving.filter(({ enabled }) => enabled);
  const none = rules.length + serving.length === 0;
  if (none && written.length === 0) {
    throw new AppError("not-found", "There is no rule to rehearse. Create one, or name a file of rules.");
  }
  return [...(none ? [] : [{ name: "present rules", rules, serving }]), ...written];
}

/** The rules that a script of the manager would create. */
async function rulesIn(
  commands: readonly ListedCommand[],
  file: string,
): Promise<Pick<RuleSet, "rules" | "serving">> {
  const rules: Rule[] = [];
  const serving: ServeRule[] = [];
  for (const [index, line] of (await textOf(file)).split(/\r?\n/).entries()) {
    const parsed = parseCommand(commands, line);
    const place = `${file}:${index + 1}`;
    if (parsed.kind === "nothing") continue;
    if (parsed.kind === "problem") throw new AppError("usage", `${place}: ${parsed.message}`);
    const served = createServeRule.argumentsIn(parsed);
    if (served !== null) serving.push(served);
    if (served !== null) continue;
    const rule = createHostRule.argumentsIn(parsed);
    if (rule === null) {
      throw new AppError(
        "usage",
        `${place}: a rehearsal takes lines of CREATE RULE HOST or SERVE with a rule only.`,
      );
    }
    rules.push(rule);
  }
  if (rules.length + serving.length === 0) throw new AppError("usage", `${file}: there is no rule in it.`);
  return { rules, serving };
}

async function textOf(file: string): Promise<string> {
  try {
    return await fs.readFile(file, "utf8");
  } catch (cause) {
    throw new AppError("file", `Unable to read ${file}: ${describeError(cause)}`, { cause });
  }
}

/** Where control has not run yet: the line for cron of docs/install.md. */
const defaultIntervalSeconds = 300;

/** How far apart control's last runs began: the middle of them. */
async function usualInterval(db: Database): Promise<number> {
  const starts = (await listRuns(db, "xcp-control", 100)).map(({ startedAt }) => startedAt.getTime() / 1000);
  const gaps = starts.slice(1).map((earlier, index) => (starts[index] ?? earlier) - earlier);
  const middle = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
  return middle === undefined || middle < 10 ? defaultIntervalSeconds : Math.round(middle);
}
