/** Writes answers as xapi does: untyped strings and ints, lower-case nan, dates without dashes. */

export type Written =
  | string
  | number
  | boolean
  | Date
  | Double
  | readonly Written[]
  | { readonly [name: string]: Written };

/** A float, which XAPI types; a plain number is an int, which it does not. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  toString(): string {
    if (Number.isNaN(this.value)) return "nan";
    return Number.isFinite(this.value) ? String(this.value) : String(this.value).replace("Infinity", "inf");
  }
}

export function success(value: Written): string {
  return envelope({ Status: "Success", Value: value });
}

export function failure(...words: string[]): string {
  return envelope({ Status: "Failure", ErrorDescription: words });
}

function envelope(value: Written): string {
  return `<?xml version="1.0"?><methodResponse><params><param>${written(value)}</param></params></methodResponse>`;
}

function written(value: Written): string {
  return `<value>${inner(value)}</value>`;
}

function inner(value: Written): string {
  if (typeof value === "string") return escaped(value);
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return `<boolean>${value ? 1 : 0}</boolean>`;
  if (value instanceof Double) return `<double>${value}</double>`;
  if (value instanceof Date) {
    const text = value.toISOString().replace(/-/g, "").replace(/\.\d+/, "");
    return `<dateTime.iso8601>${text}</dateTime.iso8601>`;
  }
  if (Array.isArray(value)) return `<array><data>${value.map(written).join("")}</data></array>`;
  const members = Object.entries(value).map(
    ([name, item]) => `<member><name>${escaped(name)}</name>${written(item)}</member>`,
  );
  return `<struct>${members.join("")}</struct>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
