/** Reads values by the table of keys: where each comes from, its conversion, and all that is wrong. */

import { describeError } from "../domain/errors.ts";
import { closest } from "../text/text.ts";
import { environmentName, type SettingGroup, type SettingKey, settingKeys } from "./keys.ts";
import { Secret } from "./secret.ts";
import { keyLines } from "./text.ts";
import type { SettingsSources } from "./types.ts";

/** One pass over the keys: looks values up, converts them and gathers the problems. */
export class Reading {
  readonly problems: string[] = [];
  readonly #sources: SettingsSources;
  readonly #lineOf: ReadonlyMap<string, number>;
  readonly #missing: string[] = [];

  constructor(sources: SettingsSources) {
    this.#sources = sources;
    this.#lineOf = keyLines(sources.text);
  }

  inFile(problem: string): string {
    return this.#sources.fileName === null ? problem : `${this.#sources.fileName}: ${problem}`;
  }

  reportUnknownKeys(): void {
    const known = Object.keys(settingKeys);
    for (const key of Object.keys(this.#sources.values)) {
      if (Object.hasOwn(settingKeys, key)) continue;
      const near = closest(key, known);
      const hint = near === null ? "see settings.example for the keys" : `did you mean ${near}?`;
      this.problems.push(this.inFile(`line ${this.#lineOf.get(key) ?? "?"}: unknown key ${key}; ${hint}`));
    }
  }

  reportMissing(groups: readonly SettingGroup[]): void {
    for (const key of this.#missing) {
      if (!groups.includes(keyNamed(key).group)) continue;
      this.problems.push(
        this.inFile(`${key} is missing; add a line ${key}=... or set ${environmentName(key)}`),
      );
    }
  }

  problem(key: string, rule: string): void {
    this.problems.push(`${this.#origin(key)}${key}: ${rule}`);
  }

  /** The value of `key`, or null when it is nowhere. An empty value counts as absent where the key is optional. */
  lookup(key: string): string | null {
    const name = environmentName(key);
    const { environment, values } = this.#sources;
    const fileVariable = `${name}_FILE`;
    // For a key that is itself a file name there is no second level of indirection.
    const indirect = keyNamed(key).kind === "secret";
    const direct = environment[name];
    const viaFile = indirect ? environment[fileVariable] : undefined;
    if (direct !== undefined && viaFile !== undefined) {
      this.problems.push(`${name} and ${fileVariable} are both set; keep one`);
    }
    if (direct !== undefined) return direct;
    if (viaFile !== undefined) return this.#readPasswordFile(fileVariable, viaFile);
    const credential = indirect ? this.#sources.readCredential(key) : null;
    if (credential !== null) return withoutLineEnd(credential);
    const inFile = values[key];
    const passwordFile = indirect ? values[`${key}File`] : undefined;
    if (inFile !== undefined && passwordFile !== undefined) {
      this.problem(key, `given twice, here and by ${key}File; keep one`);
    }
    if (inFile !== undefined) return inFile;
    return passwordFile === undefined ? null : this.#readPasswordFile(`${key}File`, passwordFile);
  }

  text(key: string): string {
    const value = this.lookup(key);
    const definition = keyNamed(key);
    if (value !== null && value !== "") return value;
    if (definition.required) this.#missing.push(key);
    return definition.kind === "text" ? (definition.fallback ?? "") : "";
  }

  optional(key: string): string | null {
    const value = this.lookup(key);
    return value === null || value === "" ? null : value;
  }

  secret(key: string, mayBeMissing = false): Secret {
    const value = this.lookup(key);
    // An empty password is a password (MySQL accepts one); only a missing key is missing.
    if (value === null && !mayBeMissing) this.#missing.push(key);
    return new Secret(value ?? "");
  }

  list<T>(key: string, parse: (item: string) => T | { problem: string }): T[] {
    const items = this.text(key)
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    // Commas and nothing between them: written, but as good as missing.
    if (items.length === 0 && keyNamed(key).required && this.lookup(key)) this.#missing.push(key);
    const parsed: T[] = [];
    for (const item of items) {
      const result = parse(item);
      if (isProblem(result)) this.problem(key, result.problem);
      else parsed.push(result);
    }
    return parsed;
  }

  integer(key: string): number {
    const definition = keyNamed(key);
    if (definition.kind !== "integer") throw new Error(`${key} is no integer key`);
    const { min, max, fallback } = definition;
    const text = this.optional(key);
    if (text === null) return fallback;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.problem(key, `must be a whole number from ${min} to ${max}, not "${text}"`);
    return fallback;
  }

  choice(key: string): string {
    const definition = keyNamed(key);
    if (definition.kind !== "choice") throw new Error(`${key} is no choice key`);
    const text = this.optional(key);
    if (text === null || definition.choices.includes(text)) return text ?? definition.fallback;
    this.problem(key, `must be one of ${definition.choices.join(", ")}`);
    return definition.fallback;
  }

  fileContent(key: string): string | null {
    const path = this.optional(key);
    if (path === null) return null;
    try {
      return this.#sources.readFile(path, false);
    } catch (error) {
      const makes = key === "XenFingerprintFile" ? "; xcp-collect --trust makes it" : "";
      this.problem(key, `cannot use the file it names: ${describeError(error)}${makes}`);
      return null;
    }
  }

  #readPasswordFile(from: string, path: string): string {
    try {
      return withoutLineEnd(this.#sources.readFile(path, true));
    } catch (error) {
      this.problems.push(`${from}: cannot use the file it names: ${describeError(error)}`);
      return "";
    }
  }

  #origin(key: string): string {
    if (this.#sources.environment[environmentName(key)] !== undefined) return "environment: ";
    const line = this.#lineOf.get(key);
    return line === undefined ? "" : this.inFile(`line ${line}: `);
  }
}

function keyNamed(key: string): SettingKey {
  const definition = settingKeys[key];
  if (definition === undefined) throw new Error(`no such setting: ${key}`);
  return definition;
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function isProblem(value: unknown): value is { problem: string } {
  return typeof value === "object" && value !== null && "problem" in value;
}
