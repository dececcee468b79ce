/** The floors of the house: which folder may import which, and where process, clock, chance and SQL may stand. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../src/", import.meta.url));

interface Floor {
  /** The folders of src that it may import, types included; its own always. */
  readonly folders: readonly string[];
  /** The packages, by the very name that is imported; "node:*" stands for what Node brings. */
  readonly packages?: readonly string[];
  /** Knows no clock and no chance, and nothing of the process. */
  readonly pure?: true;
}

const language = ["domain", "rules", "settings", "text", "snapshot"];
const deciding = [...language, "planner", "power", "decide"];

/** From the ground up. What a program does not need it may not import, though it stands below. */
const floors: Readonly<Record<string, Floor>> = {
  domain: { folders: [], pure: true },
  text: { folders: ["domain"], pure: true },
  xml: { folders: ["domain"], pure: true },
  rules: { folders: ["domain", "text"], pure: true },
  settings: { folders: ["domain", "text"], pure: true },
  snapshot: { folders: ["domain"], pure: true },
  planner: { folders: ["domain", "rules", "text"], pure: true },
  power: { folders: ["domain", "rules", "text", "planner"], pure: true },
  decide: { folders: [...language, "planner", "power"], pure: true },
  explain: { folders: deciding, pure: true },
  rehearse: { folders: deciding, pure: true },
  report: { folders: [...deciding, "explain"], packages: ["d3-scale", "d3-shape"], pure: true },
  store: { folders: [...language, "decide", "power", "report"], packages: ["node:*", "mysql2/promise"] },
  wlbProtocol: { folders: ["domain", "settings", "text", "xml"], pure: true },
  xapi: { folders: [...language, "xml"], packages: ["node:*", "xmlrpc", "xmlrpc/lib/serializer.js"] },
  program: { folders: ["domain", "settings", "text", "store"], packages: ["node:*", "dotenv"] },
  simulator: {
    folders: ["domain", "text", "snapshot", "program", "xapi"],
    packages: ["node:*", "commander", "selfsigned"],
  },
  metrics: {
    folders: ["domain", "text", "store", "program"],
    packages: ["node:*", "prom-client"],
  },
  hooks: { folders: ["domain", "text", "settings", "program"], packages: ["node:*"] },
  collect: {
    folders: [...language, "decide", "store", "xapi", "program", "metrics", "hooks"],
    packages: ["node:*", "commander"],
  },
  doctor: { folders: [...language, "store", "xapi", "program"], packages: ["node:*"] },
  manager: {
    folders: [...deciding, "doctor", "explain", "rehearse", "report", "store", "program"],
    packages: ["node:*", "commander"],
  },
  control: {
    folders: [...deciding, "explain", "report", "store", "xapi", "program", "metrics", "hooks"],
    packages: ["node:*", "commander"],
  },
  wlb: {
    folders: [...deciding, "doctor", "explain", "store", "program", "metrics", "wlbProtocol"],
    packages: ["node:*", "commander", "selfsigned"],
  },
  privateServer: { folders: ["domain"], packages: ["node:*", "mysql2/promise"] },
  demo: {
    folders: ["domain", "text", "store", "program", "simulator", "privateServer"],
    packages: ["node:*", "mysql2/promise"],
  },
};

interface SourceFile {
  readonly name: string;
  readonly folder: string;
  readonly text: string;
}

const files: readonly SourceFile[] = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
  .map((file) => file.replaceAll("\\", "/"))
  .map((name) => ({
    name,
    folder: name.includes("/") ? name.slice(0, name.indexOf("/")) : "",
    text: readFileSync(path.join(root, name), "utf8"),
  }));

/** Everything that a file imports: as a path below src, or a package's name. Types count. */
function importsOf({ name, text }: Pick<SourceFile, "name" | "text">): string[] {
  const statements = text.matchAll(/^(?:import|export)\s(?:[^;"'`=()]*?\bfrom\s)?\s*"([^"]+)";/gm);
  const calls = text.matchAll(/\b(?:import|require)\(\s*"([^"]+)"/g);
  return [...statements, ...calls].map(([, imported = ""]) =>
    imported.startsWith(".")
      ? path.posix.normalize(path.posix.join(path.posix.dirname(name), imported))
      : imported,
  );
}

/** What of a file's imports its floor does not allow. */
function forbidden(file: Pick<SourceFile, "name" | "folder" | "text">): string[] {
  const floor = floors[file.folder];
  const packages = floor?.packages ?? [];
  const allowed = (imported: string) =>
    imported.endsWith(".ts")
      ? [file.folder, ...(floor?.folders ?? [])].some((folder) => imported.startsWith(`${folder}/`))
      : packages.includes(imported) || (packages.includes("node:*") && imported.startsWith("node:"));
  return importsOf(file)
    .filter((imported) => !allowed(imported))
    .map((imported) => `${file.name} imports ${imported}`);
}

/** The code without comments; without strings, too, unless `strings`. */
function codeOf({ text }: Pick<SourceFile, "text">, strings = false): string {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'])\/\/.*$/gm, "$1");
  return strings ? code : code.replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

/** What is no function of arguments: the clock, chance, the process and the world behind it. */
const world =
  /\bDate\.now|\bnew Date\(\)|\bMath\.random|\bperformance\.|\bcrypto\.|\bsetTimeout|\bsetInterval|\bprocess\.|\bconsole\.|\bfetch\(/;

/** A statement of SQL, in a string of whatever kind. */
const sql =
  /["'`]\s*(?:SELECT\s[^"'`]*\sFROM\s|INSERT\s+(?:IGNORE\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|REPLACE\s+INTO\s|(?:CREATE|ALTER|DROP)\s+(?:TABLE|VIEW|USER|DATABASE)\s|GRANT\s)/;

describe("who imports whom", () => {
  it("nothing but folders stands in src, and each has its floor", () => {
    expect(files.filter(({ folder }) => folder === "").map(({ name }) => name)).toEqual([]);
    expect([...new Set(files.map(({ folder }) => folder))].sort()).toEqual(Object.keys(floors).sort());
  });

  it.each(Object.keys(floors))("%s imports only what its floor may", (folder) => {
    expect(files.filter((file) => file.folder === folder).flatMap(forbidden)).toEqual([]);
  });

  it.each([
    ["domain", 'import net from "node:net";'],
    ["domain", 'import type { Socket } from "node:net";'],
    ["planner", 'import { createPool } from "mysql2";'],
    ["store", 'import { createPool } from "mysql2";'],
    ["planner", 'import { Client } from "../xapi/client.ts";'],
    ["decide", 'import type { Database } from "../store/connection.ts";'],
    ["store", 'export { Client } from "../xapi/client.ts";'],
    ["rules", 'const late = await import("../store/connection.ts");'],
    ["simulator", 'import {\n  a,\n  b,\n} from "../control/run.ts";'],
  ])("in %s this is refused: %s", (folder, text) => {
    expect(forbidden({ name: `${folder}/tried.ts`, folder, text })).toHaveLength(1);
  });

  it("commander stands only in the programs' files, dotenv only where the settings file is read", () => {
    const users = (name: string) =>
      files.filter((file) => importsOf(file).includes(name)).map(({ name: user }) => user);
    expect(users("commander").filter((file) => !/\/(main|program)\.ts$/.test(file))).toEqual([]);
    expect(users("dotenv")).toEqual(["program/settingsFile.ts"]);
  });

  it("nobody imports the main of a program", () => {
    const mains = files.flatMap((file) =>
      importsOf(file).filter((imported) => imported.endsWith("/main.ts")),
    );
    expect(mains).toEqual([]);
  });
});

describe("where the world may be touched", () => {
  it.each(Object.keys(floors).filter((folder) => floors[folder]?.pure))(
    "%s asks neither clock nor chance",
    (folder) => {
      const worldly = files.filter((file) => file.folder === folder && world.test(codeOf(file)));
      expect(worldly.map(({ name }) => name)).toEqual([]);
    },
  );

  it("process stands only in program, the programs' files, the demo and the private server", () => {
    const mayTouch = ({ name, folder }: SourceFile) =>
      ["program", "demo", "privateServer"].includes(folder) || /\/(main|program)\.ts$/.test(name);
    const users = files.filter((file) => !mayTouch(file) && /\bprocess\./.test(codeOf(file)));
    expect(users.map(({ name }) => name)).toEqual([]);
  });

  it("console stands nowhere but in the demo and the simulator's main", () => {
    const users = files.filter((file) => /\bconsole\./.test(codeOf(file)) && file.folder !== "demo");
    expect(users.map(({ name }) => name).filter((name) => name !== "simulator/main.ts")).toEqual([]);
  });

  it("SQL stands only in store and sql, and where a private server is set up", () => {
    const users = files.filter(
      ({ folder, ...file }) =>
        !["store", "privateServer", "demo"].includes(folder) && sql.test(codeOf(file, true)),
    );
    expect(users.map(({ name }) => name)).toEqual([]);
    expect(sql.test("const text = `\n  SELECT a, b\n    FROM Host`;")).toBe(true);
    expect(sql.test('db.run("UPDATE Lease SET RunId = ?")')).toBe(true);
    expect(sql.test('say("DELETE RULE HOST CpuAverage")')).toBe(false);
  });

  it("no file switches the verification of certificates off but the one that checks fingerprints itself, and the simulated pool's wlb_verify_cert", () => {
    const users = files.filter((file) => /rejectUnauthorized: false/.test(codeOf(file)));
    expect(users.map(({ name }) => name)).toEqual(["xapi/tls.ts", "simulator/wlb/wire.ts"]);
  });
});
