/** The floors of the house: who may import whom, and where the process, the clock and chance may be touched. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../src/", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
  .map((file) => file.replaceAll("\\", "/"));

interface Floor {
  readonly name: string;
  readonly holds: (file: string) => boolean;
  /** Files of src, packages or node: modules that the floor may import. */
  readonly mayImport: (imported: string) => boolean;
}

/** What all programs stand on. */
const shell = (file: string) => ["program.ts", "wholeFile.ts"].includes(file);
const domain = (file: string) => !file.includes("/") && !shell(file);
const store = (file: string) => file.startsWith("store/");
const simulator = (file: string) => file.startsWith("xapi/simulator/");
const xapi = (file: string) => file.startsWith("xapi/") && !simulator(file);
/** What reads the store for the plans of control and manager. */
const readers: readonly string[] = ["planning/basis.ts", "planning/greenBasis.ts"];
const pure = (file: string) =>
  (file.startsWith("planning/") && !readers.includes(file)) ||
  file.startsWith("planner/") ||
  file.startsWith("green/") ||
  file.startsWith("rehearse/") ||
  ["control/report.ts", "collect/report.ts"].includes(file) ||
  ["xapi/snapshot.ts", "xapi/placement.ts"].includes(file) ||
  /^manager\/(parse|words|render|layout)[A-Za-z]*\.ts$/.test(file);
const planner = (file: string) => file.startsWith("planner/");
const green = (file: string) => file.startsWith("green/");
const planning = (file: string) => file.startsWith("planning/");
const rehearse = (file: string) => file.startsWith("rehearse/");
const program = (folder: string) => (file: string) => file.startsWith(`${folder}/`) && !pure(file);
const commander = (imported: string) => imported === "commander";
const node = (imported: string) => imported.startsWith("node:");

const floors: readonly Floor[] = [
  { name: "the domain", holds: domain, mayImport: domain },
  {
    name: "the pure parts",
    holds: pure,
    // Types of the same folder's shells are allowed: they are gone after compilation.
    mayImport: (imported) => domain(imported) || pure(imported) || imported.startsWith("xapi/"),
  },
  {
    name: "green",
    holds: green,
    mayImport: (imported) => domain(imported) || green(imported) || planner(imported),
  },
  {
    name: "the store",
    holds: store,
    mayImport: (imported) =>
      domain(imported) || store(imported) || imported.startsWith("mysql2") || node(imported),
  },
  {
    name: "the XAPI client",
    holds: (file) => xapi(file) && !pure(file),
    mayImport: (imported) =>
      domain(imported) || xapi(imported) || imported.startsWith("xmlrpc") || node(imported),
  },
  {
    name: "the simulator",
    holds: simulator,
    mayImport: (imported) =>
      domain(imported) ||
      simulator(imported) ||
      ["xapi/records.ts", "xapi/codec.ts", "xapi/xml.ts", "xapi/scalars.ts", "selfsigned"].includes(
        imported,
      ) ||
      commander(imported) ||
      node(imported) ||
      imported === "program.ts",
  },
  {
    name: "what control and manager plan by",
    holds: (file) => planning(file) && !pure(file),
    mayImport: (imported) => domain(imported) || planning(imported) || store(imported),
  },
  ...["collect", "manager", "control"].map((folder) => ({
    name: `xcp-${folder}`,
    holds: program(folder),
    mayImport: (imported: string) =>
      domain(imported) ||
      imported.startsWith(`${folder}/`) ||
      store(imported) ||
      (xapi(imported) && folder !== "manager") ||
      ((planning(imported) || planner(imported) || green(imported)) && folder !== "collect") ||
      (rehearse(imported) && folder === "manager") ||
      shell(imported) ||
      commander(imported) ||
      node(imported),
  })),
];

/** Imports that exist at run time, as paths below src or package names; type-only ones are erased. */
function imports(file: string): string[] {
  const text = readFileSync(path.join(root, file), "utf8");
  const found = [...text.matchAll(/^(?:import|export) (?!type )(?:[^;]*? from )?"([^"]+)"/gms)].map(
    ([, name]) => name ?? "",
  );
  return found.map((name) =>
    name.startsWith(".") ? path.posix.normalize(path.posix.join(path.posix.dirname(file), name)) : name,
  );
}

/** The file's code without comments and strings. */
function code(file: string): string {
  return readFileSync(path.join(root, file), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\/\/.*$/gm, "")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

describe("who imports whom", () => {
  it.each(floors)("$name imports only what its floor may", ({ holds, mayImport }) => {
    const held = files.filter(holds);
    expect(held).not.toEqual([]);
    const wrong = held.flatMap((file) =>
      imports(file)
        .filter((imported) => !mayImport(imported))
        .map((imported) => `${file} imports ${imported}`),
    );
    expect(wrong).toEqual([]);
  });

  it("commander stands only in the mains, dotenv only in program.ts", () => {
    const users = (name: string) => files.filter((file) => imports(file).includes(name));
    expect(users("commander").filter((file) => !file.endsWith("/main.ts"))).toEqual([]);
    expect(users("dotenv")).toEqual(["program.ts"]);
  });
});

describe("where the world may be touched", () => {
  const mains = (file: string) =>
    file === "program.ts" || file.endsWith("main.ts") || file.startsWith("demo/");

  it("process stands only in program.ts, the mains and the demo", () => {
    expect(files.filter((file) => !mains(file) && /\bprocess\./.test(code(file)))).toEqual([]);
  });

  it("console stands nowhere but in the demo and the simulator's main", () => {
    const allowed = (file: string) => file.startsWith("demo/") || file === "simulator/main.ts";
    expect(files.filter((file) => !allowed(file) && /\bconsole\./.test(code(file)))).toEqual([]);
  });

  it("the planner, the domain and the rules ask neither clock nor chance", () => {
    const timeless = files.filter((file) => domain(file) || pure(file));
    expect(
      timeless.filter((file) => /Date\.now|new Date\(\)|Math\.random|performance\./.test(code(file))),
    ).toEqual([]);
  });

  it("no file switches the verification of certificates off but the one that checks fingerprints itself", () => {
    const users = files.filter((file) => /rejectUnauthorized: false/.test(code(file)));
    expect(users).toEqual(["xapi/tls.ts"]);
  });
});
