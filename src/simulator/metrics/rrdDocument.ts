/** A whole round-robin database as XML, as /host_rrd and /vm_rrd hand it out: oldest row first, no times. */

import type { MeasureStore } from "../objects/contract.ts";
import type { NumberForm } from "../objects/profile.ts";
import { formatValue } from "../server/rrdText.ts";
import { archives, columnsOf, rowOf, type Subject } from "./rrdTable.ts";

/** The subject's database as it was when the point at `lastMs` (virtual) was measured. */
export function rrdDocument(store: MeasureStore, subject: Subject, lastMs: number, form: NumberForm): string {
  const last = lastMs / 1000;
  const then: MeasureStore = { ...store, newestMs: () => lastMs };
  const { names } = columnsOf(then, subject, 5, { cf: null, sorted: false });
  const newest = samplesByName(then, subject, lastMs);
  const sources = names.map((name) => {
    const { min, max, value } = newest.get(name) ?? {
      min: 0,
      max: Number.POSITIVE_INFINITY,
      value: Number.NaN,
    };
    const text = formatValue(value, form);
    return (
      `<ds><name>${name}</name><type>GAUGE</type><minimal_heartbeat>300.0</minimal_heartbeat>` +
      `<min>${formatValue(min, form)}</min><max>${formatValue(max, form)}</max><last_ds>${text}</last_ds>` +
      `<value>${text}</value><unknown_sec>0</unknown_sec></ds>`
    );
  });
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<rrd><version>0003</version><step>5</step><lastupdate>${last}</lastupdate>${sources.join("")}` +
    `${archives.map(({ step, rows }) => archiveXml(then, subject, { step, rows, last, form })).join("")}</rrd>`
  );
}

interface ArchiveOptions {
  readonly step: number;
  readonly rows: number;
  readonly last: number;
  readonly form: NumberForm;
}

function archiveXml(
  store: MeasureStore,
  subject: Subject,
  { step, rows, last, form }: ArchiveOptions,
): string {
  const group = columnsOf(store, subject, step, { cf: null, sorted: false });
  const end = Math.floor(last / step) * step;
  const width = group.names.length;
  const bodies = group.cfs.map(() => "");
  for (let t = end - (rows - 1) * step; t <= end; t += step) {
    const values = rowOf(store, group, t, step);
    for (const index of group.cfs.keys()) {
      const own = values.slice(index * width, (index + 1) * width);
      bodies[index] += `<row>${own.map((value) => `<v>${formatValue(value, form)}</v>`).join("")}</row>`;
    }
  }
  const prepared =
    "<ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.0</value><unknown_datapoints>0</unknown_datapoints></ds>";
  return group.cfs
    .map(
      (cf, index) =>
        `<rra><cf>${cf}</cf><pdp_per_row>${step / 5}</pdp_per_row><params><xff>0.5</xff></params>` +
        `<cdp_prep>${prepared.repeat(width)}</cdp_prep><database>${bodies[index]}</database></rra>`,
    )
    .join("");
}

function samplesByName(
  store: MeasureStore,
  subject: Subject,
  atMs: number,
): ReadonlyMap<string, { readonly min: number; readonly max: number; readonly value: number }> {
  const samples =
    subject.owner === "host" ? store.hostSources(subject.ref, atMs) : store.vmSources(subject.ref, atMs);
  return new Map(samples.map((sample) => [sample.name, sample]));
}
