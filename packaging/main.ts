/** Makes the packages: an npm tarball and a Debian package, in packages/. */
import { join, relative } from "node:path";
import process from "node:process";
import { projectFolder } from "./commandTree.ts";
import { writeGenerated } from "./files.ts";
import { packNpm } from "./npmPackage.ts";

const usage = `usage: npm run package [-- COMMAND]
  (none)     makes the npm package and the Debian package in packages/
  prepare    makes only what goes into both: man pages, completion, the commit, into dist/
`;

const packages = join(projectFolder, "packages");

const commands: Readonly<Record<string, () => Promise<void>>> = {
  async make() {
    await writeGenerated();
    tell(packNpm(projectFolder, packages));
  },
  prepare: writeGenerated,
};

function tell(file: string): void {
  process.stdout.write(`${relative(projectFolder, file)}\n`);
}

const [name = "make", ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) && rest.length === 0 ? commands[name] : undefined;
if (command === undefined) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  await command();
}
