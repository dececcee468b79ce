// Reads what the fuzz test sends with the compiled readers of build, in a thread whose memory is bounded, and answers how
// each ended: "read", "refused", or the trace of an error that data must never cause.
import { parentPort } from "node:worker_threads";
import { AppError } from "../build/domain/errors.js";
import { decodeAnswer } from "../build/xapi/codec.js";
import { XapiError } from "../build/xapi/errors.js";
import { readRecords } from "../build/xapi/recordCodec.js";
import { RecordsReader } from "../build/xapi/recordStream.js";
import { newestValues, parseRrdUpdates } from "../build/xapi/rrd.js";
import { decodeResponse, XmlFault } from "../build/xapi/xml.js";

const pieceLength = 16 * 1024;

const readers = {
  response: (text) => decodeResponse(text),
  answer: (text) => decodeAnswer(text, "VM.x"),
  records: (text, className) => readRecords(className, decodeAnswer(text, "x")),
  stream: (text, className) => {
    const reader = new RecordsReader(className, "x", pieceLength);
    for (let at = 0; at < text.length; at += pieceLength) reader.write(text.slice(at, at + pieceLength));
    return reader.end();
  },
  rrd: (text) => newestValues(parseRrdUpdates(text), "AVERAGE"),
};

function endOf(read) {
  try {
    read();
    return "read";
  } catch (error) {
    const isRefusal = [AppError, XapiError, XmlFault].some((kind) => error instanceof kind);
    return isRefusal ? "refused" : String(error?.stack ?? error);
  }
}

parentPort.on("message", ({ reader, className, text }) => {
  const began = performance.now();
  const end = endOf(() => readers[reader](text, className));
  parentPort.postMessage({ end, milliseconds: performance.now() - began });
});
