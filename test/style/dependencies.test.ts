/** What the project is made of besides its own sources (S12): pinned, checked, named with its reason, free of install scripts. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { writeSbom } from "../../packaging/npmPackage.ts";

const projectFolder = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string): string => readFileSync(join(projectFolder, name), "utf8");

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const manifest = JSON.parse(read("package.json")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const { packages } = JSON.parse(read("package-lock.json")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const locked = Object.entries(packages).filter(([path]) => path !== "");

describe("the packages that the project stands on", () => {
  it("S12: none needs a script at its installation: `npm ci --ignore-scripts` leaves nothing out", () => {
    expect(locked.length).toBeGreaterThan(50);
    expect(locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([]);
  });

  it("S12: each is locked to one version and checksum, and to no address", () => {
    const asked = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(asked.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    const loose = locked.filter(([, { version, integrity, resolved }]) => !version || !integrity || resolved);
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  it("S12: ARCHITECTURE.md says of each that the programs need what it is for", () => {
    const section = /\n## Dependencies\n([\s\S]*?)\n## /.exec(read("ARCHITECTURE.md"))?.[1] ?? "";
    expect(Object.keys(manifest.dependencies).filter((name) => !section.includes(name))).toEqual([]);
  });

  it("S12: the SBOM of a package lists what the programs need, each with its version, and nothing else", () => {
    const folder = mkdtempSync(join(tmpdir(), "xcp-test-"));
    try {
      const file = writeSbom(projectFolder, folder);
      const { components } = JSON.parse(readFileSync(file, "utf8")) as {
        readonly components: readonly { readonly name: string; readonly version: string }[];
      };
      const listed = components.map(({ name, version }) => `${name}@${version}`).sort();
      const needed = locked
        .filter(([, { dev }]) => !dev)
        .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, "")}@${version}`);
      expect(listed).toEqual([...new Set(needed)].sort());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
