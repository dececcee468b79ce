/**
 * What the tests reached, from two reports in Istanbul's form: the one of vitest knows the statements of all sources
 * and what ran in its own processes; the one of the programs knows lines only. Pure.
 */

interface Place {
  readonly line: number;
}

/** The part of Istanbul's form that is read here. */
export interface FileReport {
  readonly path: string;
  readonly statementMap: Readonly<Record<string, { readonly start: Place; readonly end: Place }>>;
  /** How often each statement ran. */
  readonly s: Readonly<Record<string, number>>;
}

export type Report = Readonly<Record<string, FileReport>>;

export interface Reached {
  /** Below src, e.g. "store/session.ts". */
  readonly file: string;
  readonly statements: number;
  readonly reached: number;
  /** Lines of statements that nothing ran, in order. */
  readonly missed: readonly number[];
}

/** Each file of `tests`; a statement is reached where vitest ran it, or a program the line on which it begins. */
export function reachedFiles(tests: Report, programs: Report, sourceFolder: string): readonly Reached[] {
  return Object.values(tests)
    .filter(({ path }) => path.startsWith(sourceFolder))
    .map((report) => {
      const ran = linesThatRan(programs[report.path]);
      const entries = Object.entries(report.statementMap);
      const missed = entries
        .filter(([id, { start }]) => (report.s[id] ?? 0) === 0 && !ran.has(start.line))
        .map(([, { start }]) => start.line);
      return {
        file: report.path.slice(sourceFolder.length),
        statements: entries.length,
        reached: entries.length - missed.length,
        missed: [...new Set(missed)].sort((a, b) => a - b),
      };
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

function linesThatRan(report: FileReport | undefined): ReadonlySet<number> {
  if (report === undefined) return new Set();
  const ran = Object.entries(report.statementMap).filter(([id]) => (report.s[id] ?? 0) > 0);
  return new Set(ran.map(([, { start }]) => start.line));
}

/** A line a folder and one for all, and the files below `percent` with the lines that nothing ran. */
export function coverageTable(files: readonly Reached[], percent: number): readonly string[] {
  const folders = new Map<string, Reached[]>();
  for (const file of files) {
    const folder = file.file.split("/").slice(0, -1).join("/");
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  const rows = [...folders].map(([folder, inFolder]) => row(`src/${folder}`, inFolder));
  const poor = files.filter((file) => file.statements > 0 && share([file]) < percent);
  return [
    row("folder", null),
    ...rows,
    row("all", files),
    "",
    ...(poor.length === 0 ? [`No file is below ${percent} %.`] : [`Below ${percent} %:`]),
    ...poor.map((file) => `${row(`src/${file.file}`, [file])}  lines ${ranges(file.missed)}`),
  ];
}

function row(name: string, files: readonly Reached[] | null): string {
  const cells =
    files === null
      ? ["files", "statements", "%"]
      : [files.length, sum(files, "statements"), percentText(files)];
  return [name.padEnd(34), ...cells.map((cell) => String(cell).padStart(11))].join("");
}

function sum(files: readonly Reached[], key: "statements" | "reached"): number {
  return files.reduce((total, file) => total + file[key], 0);
}

function share(files: readonly Reached[]): number {
  const all = sum(files, "statements");
  return all === 0 ? 100 : (100 * sum(files, "reached")) / all;
}

function percentText(files: readonly Reached[]): string {
  return share(files).toFixed(1);
}

/** Numbers in order as "3-5, 9". */
function ranges(lines: readonly number[]): string {
  const parts: { from: number; to: number }[] = [];
  for (const line of lines) {
    const last = parts.at(-1);
    if (last !== undefined && line === last.to + 1) last.to = line;
    else parts.push({ from: line, to: line });
  }
  return parts.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(", ");
}
