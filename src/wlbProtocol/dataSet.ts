/**
 * A report's rows as a .NET data set in XML with its schema inline: a reader that finds no schema finds no table either.
 * The first table holds the rows, the second, of one row, the labels. Pure.
 */
import { escapeXml } from "./answer.ts";

export type ColumnKind = "int" | "long" | "decimal" | "string" | "dateTime";

/** A value; of "dateTime" the text "2026-11-28T14:00:00"; null is left out. */
export type CellValue = string | number | null;

export interface DataSet {
  /** Names are of the reports' layouts: plain words. */
  readonly columns: Readonly<Record<string, ColumnKind>>;
  readonly rows: readonly Readonly<Record<string, CellValue>>[];
  /** What each label of the layout says. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The whole document. */
export function writeDataSet({ columns, rows, labels }: DataSet): string {
  const names = Object.keys(labels);
  const table1 = {
    name: names.map(withoutBars).join("|"),
    description: names.map((name) => withoutBars(labels[name] ?? "")).join("|"),
  };
  const body = [
    ...rows.map((row) => writeRow("Table", columns, row)),
    writeRow("Table1", labelColumns, table1),
  ];
  return `<NewDataSet>${schemaOf(columns)}${body.join("")}</NewDataSet>`;
}

const labelColumns: DataSet["columns"] = { name: "string", description: "string" };

function schemaOf(columns: DataSet["columns"]): string {
  return (
    '<xs:schema id="NewDataSet" xmlns="" xmlns:xs="http://www.w3.org/2001/XMLSchema" ' +
    'xmlns:msdata="urn:schemas-microsoft-com:xml-msdata">' +
    '<xs:element name="NewDataSet" msdata:IsDataSet="true"><xs:complexType>' +
    '<xs:choice minOccurs="0" maxOccurs="unbounded">' +
    `${tableSchema("Table", columns)}${tableSchema("Table1", labelColumns)}` +
    "</xs:choice></xs:complexType></xs:element></xs:schema>"
  );
}

function tableSchema(name: string, columns: DataSet["columns"]): string {
  const elements = Object.entries(columns).map(
    ([column, kind]) => `<xs:element name="${column}" type="xs:${kind}" minOccurs="0"/>`,
  );
  return (
    `<xs:element name="${name}"><xs:complexType><xs:sequence>${elements.join("")}` +
    "</xs:sequence></xs:complexType></xs:element>"
  );
}

function writeRow(
  table: string,
  columns: DataSet["columns"],
  row: Readonly<Record<string, CellValue>>,
): string {
  const cells = Object.entries(columns).map(([column, kind]) => {
    const text = cellText(row[column] ?? null, kind);
    return text === null ? "" : `<${column}>${escapeXml(text)}</${column}>`;
  });
  return `<${table}>${cells.join("")}</${table}>`;
}

function cellText(value: CellValue, kind: ColumnKind): string | null {
  if (value === null) return null;
  if (kind === "string" || kind === "dateTime") return String(value);
  const number = Number(value);
  if (!Number.isFinite(number)) return null;
  if (kind === "decimal") return plainDecimal(number);
  return String(BigInt(Math.trunc(number)));
}

/** Never with an exponent: xs:decimal has none. */
function plainDecimal(value: number): string {
  const text = value.toFixed(6);
  return text.replace(/\.?0+$/, "") || "0";
}

/** Bars part the labels. */
function withoutBars(text: string): string {
  return text.replaceAll("|", "/");
}
