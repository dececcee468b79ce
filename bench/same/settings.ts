import { parseSettings } from "../../src/settings/settings.ts";
import type { ControlSettings, Settings } from "../../src/settings/types.ts";

/** Control's settings where nobody set any. */
export function controlDefaults(): ControlSettings {
  const sources = { fileName: null, text: "", values: {}, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return (result.settings as Settings).control;
}
