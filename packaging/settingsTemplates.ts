/** The settings of each program for /etc/xcp-balance/: the sections of settings.example that it reads. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { settingKeys } from "../src/settings/keys.ts";
import { projectFolder } from "./commandTree.ts";

export type SettingsOwner = "collect" | "manager" | "control" | "wlb";

export const settingsOwners: readonly SettingsOwner[] = ["collect", "manager", "control", "wlb"];

/** The groups of keys that a program does not read. What comes to be a group of its own is for all, until it stands here. */
const notFor: Readonly<Record<SettingsOwner, readonly string[]>> = {
  collect: ["control", "wlb"],
  manager: ["xen", "collect", "wlb"],
  control: ["collect", "wlb"],
  wlb: ["xen", "collect"],
};

/** The text of /etc/xcp-balance/OWNER.settings. */
export function settingsTemplate(owner: SettingsOwner): string {
  const [, ...sections] = readFileSync(join(projectFolder, "settings.example"), "utf8").split(
    /^(?=# ---- )/m,
  );
  const own = sections.filter((section) => !notFor[owner].includes(groupOf(section)));
  return `${headOf(owner)}\n${own.join("")}`.replace("MysqlUsr=xcp_collect", `MysqlUsr=xcp_${owner}`);
}

/** The group of the section's first key. */
function groupOf(section: string): string {
  const key = /^#?([A-Z][A-Za-z0-9]*)=/m.exec(section)?.[1] ?? "";
  const definition = Object.hasOwn(settingKeys, key)
    ? settingKeys[key as keyof typeof settingKeys]
    : undefined;
  if (definition === undefined) throw new Error(`settings.example: no known key in the section\n${section}`);
  return definition.group;
}

function headOf(owner: SettingsOwner): string {
  return `# Settings of xcp-${owner}: the template. Each pool has a folder with files of its own:
#   install -d -m 750 -g xcp-balance /etc/xcp-balance/POOL
#   install -m 640 -g xcp-balance /etc/xcp-balance/*.settings /etc/xcp-balance/POOL
# Lines are KEY=VALUE. A value that holds a # or outer blanks stands in single quotes: XenPass='a#b'
# Keys with a # before them show their default. Nobody but root writes the file, nobody but root and its group reads it.
`;
}
