/**
 * What dotenv does not say about a settings file: lines that yield no key, values that it cuts at a #, keys given
 * twice. Pure. Never repeats a line's text, which may hold a password.
 */

/** As dotenv reads them: KEY=VALUE or KEY: VALUE, with an optional "export". */
const keyLine = /^\s*(?:export\s+)?([\w.-]+)(?:\s*=|:\s)(.*)$/;

/** The problems of `text`, each beginning with its line number. */
export function textProblems(text: string): string[] {
  const problems: string[] = [];
  const firstLine = new Map<string, number>();
  for (const { line, number } of numbered(text)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = keyLine.exec(line);
    if (match === null) {
      problems.push(`line ${number}: yields no key; write KEY=VALUE, or # before a comment`);
      continue;
    }
    const key = match[1] ?? "";
    const problem = valueProblem((match[2] ?? "").trim());
    if (problem !== null) problems.push(`line ${number}: ${key} ${problem}`);
    const earlier = firstLine.get(key);
    if (earlier !== undefined)
      problems.push(`line ${number}: ${key} stands on line ${earlier} already; keep one`);
    else firstLine.set(key, number);
  }
  return problems;
}

/** The line on which each key stands first, from 1. */
export function keyLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  for (const { line, number } of numbered(text)) {
    const key = keyLine.exec(line)?.[1];
    if (key !== undefined && !lines.has(key)) lines.set(key, number);
  }
  return lines;
}

function valueProblem(value: string): string | null {
  const quote = value[0];
  if (quote === "'" || quote === '"' || quote === "`") {
    const rest = value.slice(1);
    const end = rest.lastIndexOf(quote);
    if (end === -1) return `opens a quote (${quote}) that its line does not close`;
    if (rest.slice(0, end).includes(quote))
      return `has a ${quote} inside ${quote} quotes; use another kind of quote`;
    return /^\s*(#.*)?$/.test(rest.slice(end + 1)) ? null : "goes on after its closing quote";
  }
  if (value.includes("#")) {
    return "holds an unquoted #, and all from the # on would be lost; put the value in single quotes";
  }
  return null;
}

function numbered(text: string): { line: string; number: number }[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ line, number: index + 1 }));
}
