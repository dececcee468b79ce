/** The npm package. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { projectFolder } from "./commandTree.ts";

/** Packs what package.json lists; everything in it must have been made. Returns the tarball's path. */
export function packNpm(folder: string, destination: string): string {
  mkdirSync(destination, { recursive: true });
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", destination];
  const output = execFileSync("npm", args, { cwd: folder, encoding: "utf8" });
  const [made] = JSON.parse(output) as readonly { readonly filename: string }[];
  if (made === undefined) throw new Error(`npm pack named no file: ${output}`);
  return join(destination, made.filename);
}

/**
 * Writes what the programs consist of, package by package with version, licence and checksum, as CycloneDX JSON (an SBOM,
 * for whoever must know within the hour whether a vulnerable package is in use). Returns its path.
 */
export function writeSbom(folder: string, destination: string): string {
  const manifest = readJson<Manifest>(join(folder, "package.json"));
  const { packages, ...lock } = readJson<Lock>(join(folder, "package-lock.json"));
  // Of what serves both, programs and development, `npm sbom --omit=dev` lists nothing: it is asked of a project without
  // development.
  const needed = Object.entries(packages).filter(([, { dev }]) => dev !== true);
  const bare = mkdtempSync(join(tmpdir(), "xcp-sbom-"));
  try {
    const write = (name: string, value: object) =>
      writeFileSync(
        join(bare, name),
        JSON.stringify(value, (key, each) => (key === "devDependencies" ? {} : each)),
      );
    write("package.json", manifest);
    write("package-lock.json", { ...lock, packages: Object.fromEntries(needed) });
    const args = ["sbom", "--package-lock-only", "--sbom-format=cyclonedx", "--sbom-type=application"];
    const output = execFileSync("npm", args, { cwd: bare, encoding: "utf8" });
    mkdirSync(destination, { recursive: true });
    const file = join(destination, `xcp-balance-${manifest.version}.cdx.json`);
    writeFileSync(file, output.replaceAll(`"${basename(bare)}"`, `"${manifest.name}"`));
    return file;
  } finally {
    rmSync(bare, { recursive: true });
  }
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}

/** The folders of the packages that the programs need at run time, from the project's folder. */
export function runtimePackages(): readonly string[] {
  const args = ["ls", "--omit=dev", "--all", "--parseable"];
  const output = execFileSync("npm", args, { cwd: projectFolder, encoding: "utf8" });
  return output
    .split("\n")
    .filter((line) => line.includes("node_modules"))
    .map((line) => line.slice(projectFolder.length + 1));
}
