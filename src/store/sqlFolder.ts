/** The package's sql/ folder: the same distance from src/store as from each folder of dist, where programs lie bundled. */
export const sqlFolder: URL = new URL("../../sql/", import.meta.url);
