/** The npm package of this tree, for tests of what is made of it. */
import { join } from "node:path";
import { projectFolder } from "../../packaging/commandTree.ts";
import { writeGenerated } from "../../packaging/files.ts";
import { packNpm } from "../../packaging/npmPackage.ts";
import { withLock } from "../../scripts/lock.mjs";

/** Packs it into `folder`, one test file after the other: what goes in is written into dist/ first. Returns its path. */
export async function packedInto(folder: string): Promise<string> {
  const lock = join(projectFolder, ".xcp-balance", "packing");
  const pack = async () => {
    await writeGenerated();
    return packNpm(projectFolder, folder);
  };
  return withLock(lock, pack, () => {});
}
