/**
 * `xcp-collect --trust`: shows the certificates of all members and keeps their fingerprints after a yes. The password is
 * sent to nobody before a person has vouched for the certificate.
 */

import { AppError, exitCode } from "../domain/errors.ts";
import type { XenSettings } from "../settings/types.ts";
import { connectXapi, shownFingerprints } from "../xapi/client.ts";
import type { KnownMembers } from "../xapi/members.ts";
import { xapiOptions } from "../xapi/options.ts";
import { readFingerprint } from "../xapi/tls.ts";

export interface TrustOptions {
  readonly xen: XenSettings;
  readonly known: KnownMembers;
  readonly signal: AbortSignal;
  /** One line for the person. */
  readonly tell: (line: string) => void;
  /** Whether the person says yes. */
  readonly ask: (question: string) => Promise<boolean>;
  /** Puts the text into the file that XenFingerprintFile names. */
  readonly write: (text: string) => Promise<void>;
}

/** A host, and the SHA-256 that it shows; null where it shows none. */
interface ShownByHost {
  readonly name: string;
  readonly fingerprint: string | null;
}

/**
 * Asks for the members of the settings first, and with their master trusted for all other hosts of the pool. Returns the
 * exit code: 3 where a host could not be looked at.
 * @throws AppError "usage" where the person says no; what was trusted until then is kept.
 */
export async function trustMembers(options: TrustOptions): Promise<number> {
  const { xen, known, signal, tell } = options;
  const trusted = new Trusted(xen.fingerprints);
  const members = await shownFingerprints(xapiOptions(xen, "xcp-collect", signal));
  if (members.length === 0)
    throw new AppError("usage", "XenHost names no member by https: there is nothing to trust");
  const first = members.map(({ url, fingerprint }) => ({ name: url, fingerprint }));
  if (first.every(({ fingerprint }) => fingerprint === null)) {
    throw new AppError("pool", `no member shows a certificate: ${first.map(({ name }) => name).join(", ")}`);
  }
  await decide(first, trusted, options);
  const client = await connectXapi(
    xapiOptions({ ...xen, caPem: null, fingerprints: trusted.fingerprints() }, "xcp-collect", signal, known),
  );
  let hosts: ShownByHost[];
  try {
    hosts = await Promise.all(
      [...(await client.hosts()).values()].map(async ({ name_label, address }) => ({
        name: `${name_label} (${address})`,
        fingerprint: await client.shownFingerprint(address),
      })),
    );
  } finally {
    await client.close();
  }
  await decide(hosts, trusted, options);
  const dark = [...first, ...hosts].filter(({ fingerprint }) => fingerprint === null);
  for (const { name } of dark) tell(`${name} shows no certificate now; run this again when it answers`);
  tell(`${trusted.count} fingerprints are trusted`);
  return dark.length > 0 ? exitCode.partly : exitCode.done;
}

/** Shows what is new among `hosts`, and trusts it after a yes. */
async function decide(hosts: readonly ShownByHost[], trusted: Trusted, options: TrustOptions): Promise<void> {
  const { tell, ask, write } = options;
  const fresh = hosts.flatMap(({ name, fingerprint }) =>
    fingerprint === null || trusted.has(fingerprint) ? [] : [{ name, fingerprint }],
  );
  if (fresh.length === 0) return;
  for (const { name, fingerprint } of fresh) tell(`${name} shows ${fingerprint}`);
  tell(`This command on each of them must show the same: ${readFingerprint}`);
  const which = fresh.length === 1 ? "this certificate" : `these ${fresh.length} certificates`;
  if (!(await ask(`Trust ${which}? (yes/no) `))) {
    throw new AppError("usage", "not trusted, and not written down", {
      next: "compare the fingerprints on the hosts",
    });
  }
  for (const { name, fingerprint } of fresh) trusted.add(fingerprint, name);
  await write(trusted.text());
}

class Trusted {
  readonly #names = new Map<string, string>();

  constructor(fingerprints: readonly string[]) {
    for (const fingerprint of fingerprints) this.#names.set(fingerprint, "trusted before");
  }

  get count(): number {
    return this.#names.size;
  }

  has(fingerprint: string): boolean {
    return this.#names.has(fingerprint);
  }

  add(fingerprint: string, name: string): void {
    this.#names.set(fingerprint, name);
  }

  fingerprints(): string[] {
    return [...this.#names.keys()];
  }

  /** The file: a fingerprint a line, and whose it is. */
  text(): string {
    // A host's name is a stranger's text: it may end no line.
    const lines = [...this.#names].map(
      ([fingerprint, name]) => `${fingerprint}  # ${name.replace(/\p{C}/gu, "?")}\n`,
    );
    return `# Certificates of the pool's hosts that are trusted (SHA-256); written by xcp-collect --trust.\n${lines.join("")}`;
  }
}
