/** What GetDiagnostics tells: how the server is, what doctor says of its set-up, and what it said last. Pure. */
import { plural, span } from "../text/format.ts";
import { printable, shorten } from "../text/text.ts";
import type { ServerCertificate } from "./certificate.ts";
import type { Meters } from "./meters.ts";
import type { PoolView } from "./view.ts";

/** A pool logs the whole answer. */
const mostLines = 500;
const longestLine = 400;

/** The last lines of the log, in memory. */
export class RecentLines {
  readonly #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(shorten(line, longestLine));
    if (this.#lines.length > mostLines) this.#lines.shift();
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}

export interface DiagnosticsInput {
  readonly views: readonly PoolView[];
  readonly recent: RecentLines;
  readonly certificate: Pick<ServerCertificate, "names" | "fingerprint" | "validTo">;
  readonly version: string;
  readonly meters: Meters;
  /** Doctor's report, a line each. */
  readonly doctor: readonly string[];
}

/** The whole text. */
export function diagnosticsText(input: DiagnosticsInput): string {
  const { views, recent, certificate, version, meters, doctor } = input;
  const asked = [...meters.counts].flatMap(([method, { byResult }]) => {
    const count = Object.values(byResult).reduce((sum, each) => sum + each, 0);
    return count === 0 ? [] : [`${method} ${count}`];
  });
  return [
    `xcp-wlb ${version}`,
    `certificate for ${certificate.names.join(", ")}, until ${certificate.validTo.toISOString().slice(0, 10)}, SHA-256 ${certificate.fingerprint}`,
    `requests: ${asked.length === 0 ? "none yet" : asked.join(", ")}`,
    ...views.flatMap(viewLines),
    "",
    "doctor:",
    ...doctor.map((line) => shorten(line, longestLine)),
    "",
    "last lines of the log:",
    ...recent.lines,
    "",
  ].join("\n");
}

function viewLines(view: PoolView): string[] {
  const { status, plan, gate, trouble } = view;
  if (status === null)
    return [`database ${view.db.name} at ${view.db.server}: not read yet: ${trouble ?? "?"}`];
  const hosts = view.basis?.snapshot.hosts.length ?? 0;
  const vms = view.basis?.snapshot.vms.filter(({ isControlDomain }) => !isControlDomain).length ?? 0;
  return [
    `pool ${printable(status.poolName)} ${status.collected ?? "(nothing collected)"}: ${plural(hosts, "host")}, ${plural(vms, "VM")}`,
    `  collection ${status.collectionId}, ${Number.isFinite(view.ageSeconds()) ? `${span(view.ageSeconds())} old` : "none"}`,
    `  ${status.bound === null ? "not connected" : `connected since ${status.bound.addedAt.toISOString().slice(0, 19)}Z from ${status.bound.boundTo}`}`,
    `  plan ${plan?.planId ?? "-"}: ${plural(plan?.advice.length ?? 0, "recommendation")}${plan?.gate == null ? "" : `, gate ${printable(plan.gate)}`}`,
    ...(gate === null ? [] : [`  nothing should be done by this collection: ${printable(gate)}`]),
    ...(trouble === null ? [] : [`  trouble: ${printable(trouble)}`]),
  ];
}
