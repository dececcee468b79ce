/** Metrics as the text that node_exporter's textfile collector reads (Prometheus' text format 0.0.4). */
import { longest, printable, shorten } from "../text/text.ts";
import { type Family, type FamilyName, families, type MetricSample } from "./families.ts";

/** The text. Values that are no numbers are left out; of label values only what is printable comes through, cut to 80. */
export async function exposition(samples: readonly MetricSample[]): Promise<string> {
  // Loaded where metrics are written: no other run waits for it.
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const unknown = samples.find(({ name }) => !Object.hasOwn(families, name));
  if (unknown !== undefined) throw new Error(`there is no metric ${unknown.name}`);
  for (const name of Object.keys(families) as FamilyName[]) {
    const own = samples.filter((sample) => sample.name === name && Number.isFinite(sample.value));
    if (own.length === 0) continue;
    const { type, help, labels } = families[name] as Family;
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "counter") {
      const counter = new Counter(options);
      for (const { labels: of, value } of own) counter.inc(safeLabels(of), value);
    } else {
      const gauge = new Gauge(options);
      for (const { labels: of, value } of own) gauge.set(safeLabels(of), value);
    }
  }
  return `${(await registry.metrics()).trimEnd()}\n`;
}

function safeLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name, printable(shorten(value, longest.name))]),
  );
}

/** What a file that was written before says of its program, for a run that could not ask the database. */
export interface Remembered {
  readonly pool: string;
  readonly lastSuccess: number | null;
}

/** Reads that from the text; null where it says nothing of the kind. */
export function rememberedIn(text: string): Remembered | null {
  const attempt = /^xcp_balance_last_attempt_timestamp_seconds\{[^}\n]*\bpool="([0-9A-Za-z-]*)"/m.exec(text);
  if (attempt === null) return null;
  const success = /^xcp_balance_last_success_timestamp_seconds\{[^}\n]*\} ([0-9.e+]+)$/m.exec(text);
  return { pool: attempt[1] ?? "", lastSuccess: success === null ? null : Number(success[1]) };
}
