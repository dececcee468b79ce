/** A unit as systemd would run it: what a trial without systemd has to do by itself. */

/** What of a service matters to the program that it starts; specifiers are filled in. */
export interface Unit {
  readonly user: string;
  readonly group: string;
  readonly workingDirectory: string;
  /** LoadCredential=NAME:FILE. */
  readonly credentials: readonly (readonly [name: string, file: string])[];
  /** The folder that the credentials are put into. */
  readonly credentialsFolder: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Exit codes that are no failure, beside 0. */
  readonly success: readonly number[];
}

/** Reads the text of `name`@.service for `instance`. */
export function readUnit(name: string, text: string, instance: string): Unit {
  const credentialsFolder = `/run/credentials/${name}@${instance}.service`;
  const filled = text.replaceAll("%i", instance).replaceAll("%d", credentialsFolder);
  const values = (key: string) =>
    [...filled.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
  const one = (key: string) => {
    const [value] = values(key);
    if (value === undefined) throw new Error(`${name}@.service has no ${key}=`);
    return value;
  };
  return {
    user: one("User"),
    group: one("Group"),
    workingDirectory: one("WorkingDirectory"),
    credentials: values("LoadCredential").map((line) => {
      const [called = "", file = ""] = line.split(":");
      return [called, file];
    }),
    credentialsFolder,
    command: one("ExecStart").split(" "),
    success: values("SuccessExitStatus").flatMap((line) => line.split(" ").map(Number)),
  };
}

/** The environment that systemd gives a service of a user without a home of its own. */
export function unitEnvironment({ user, credentialsFolder }: Unit): Record<string, string> {
  return {
    LANG: "C.UTF-8",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    USER: user,
    LOGNAME: user,
    HOME: "/etc/xcp-balance",
    CREDENTIALS_DIRECTORY: credentialsFolder,
  };
}
