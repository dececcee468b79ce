/** Just enough of MySQL's protocol to aim faults at statements: a client waits for each answer, so a piece is a command. */
import type { WireEvent } from "./tcpProxy.ts";

const comQuery = 0x03;
const comPrepare = 0x16;
const comExecute = 0x17;

/** The text of a statement that the event carries to the server, as written or to be prepared; null for anything else. */
export function statementText({ direction, bytes }: WireEvent): string | null {
  if (direction !== "up" || bytes[3] !== 0) return null;
  return bytes[4] === comQuery || bytes[4] === comPrepare ? bytes.toString("utf8", textStart(bytes)) : null;
}

/** Newer servers get a count of attributes, none, before the text. */
function textStart(bytes: Buffer): number {
  let start = 5;
  while ((bytes[start] ?? 0x20) < 0x20) start++;
  return start;
}

/** Whether the event makes the server run a statement. */
export function runsStatement({ direction, bytes }: WireEvent): boolean {
  return direction === "up" && bytes[3] === 0 && (bytes[4] === comQuery || bytes[4] === comExecute);
}

/** The server's answer that a statement failed with `errno`. */
export function errorAnswer(errno: number, message: string): Buffer {
  const body = Buffer.concat([
    Buffer.from([0xff, errno & 0xff, errno >> 8]),
    Buffer.from("#HY000", "latin1"),
    Buffer.from(message, "utf8"),
  ]);
  return Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, 1]), body]);
}

/** The same command with `text` in place of its statement, filled up with spaces. @throws when it is longer. */
export function withStatement({ bytes }: WireEvent, text: string): Buffer {
  const start = textStart(bytes);
  const room = bytes.length - start;
  if (text.length > room) throw new Error(`no room for ${text}`);
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(text.padEnd(room), "latin1")]);
}
