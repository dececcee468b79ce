/** Answers to /rrd_updates as text: XML, and the three things that xapi has called JSON. */
import type { RrdTable } from "../metrics/rrdTable.ts";
import type { JsonForm, NumberForm } from "../objects/profile.ts";

/** A measured value as xapi prints it: "0.0" for nothing, "NaN", "Infinity". */
export function formatValue(value: number, form: NumberForm): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value === 0) return "0.0";
  if (form === "fixed-4") return value.toFixed(4);
  return general(value, form === "digits-5" ? 5 : 15);
}

/** C's `%.Ng`. */
function general(value: number, digits: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 10 ** digits) return String(value);
  const rounded = value.toExponential(digits - 1);
  const cut = rounded.indexOf("e");
  const exponent = Number(rounded.slice(cut + 1));
  if (exponent >= -4 && exponent < digits) return trimZeros(value.toFixed(digits - 1 - exponent));
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${trimZeros(rounded.slice(0, cut))}e${exponent < 0 ? "-" : "+"}${power}`;
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** The answer as XML, the one form that never changed. */
export function tableXml(table: RrdTable, form: NumberForm): string {
  const { start, step, end, legend, rows } = table;
  let body = "";
  for (const { t, values } of rows) {
    body += `<row><t>${t}</t>`;
    for (const value of values) body += `<v>${formatValue(value, form)}</v>`;
    body += "</row>";
  }
  const entries = legend.map((entry) => `<entry>${entry}</entry>`).join("");
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<xport><meta><start>${start}</start><step>${step}</step><end>${end}</end><rows>${rows.length}</rows>` +
    `<columns>${legend.length}</columns><legend>${entries}</legend></meta><data>${body}</data></xport>`
  );
}

/** The answer as what an era calls JSON; null for what crashed the server then: no rows. */
export function tableJson(table: RrdTable, form: NumberForm, shape: JsonForm): string | null {
  const { start, step, end, rows } = table;
  const legend = `[${table.legend.map((entry) => JSON.stringify(entry)).join(",")}]`;
  const columns = table.legend.length;
  if (shape === "unquoted") {
    if (rows.length === 0) return null;
    const data = rows.map(
      ({ t, values }) => `{t:${t},values:[${values.map((value) => formatValue(value, form)).join(",")}]}`,
    );
    return (
      `{meta: {start:${start},step:${step},end:${end},rows:${rows.length},columns:${columns},` +
      `legend:${legend}},data:[${data.join(",")}]}`
    );
  }
  const data = rows
    .map(
      ({ t, values }) =>
        `{"t":"${t}","values":[${values.map((v) => `"${formatValue(v, form)}"`).join(",")}]}`,
    )
    .join(",");
  const meta =
    `"start":"${start}","step":"${step}","end":"${end}","rows":"${rows.length}","columns":"${columns}",` +
    `"legend":${legend}`;
  return shape === "strings" ? `{"meta":{${meta}},"data":[${data}]}` : `{"meta":{${meta},"data":[${data}]}}`;
}
