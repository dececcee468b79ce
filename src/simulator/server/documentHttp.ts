/**
 * GET /wlb_report and /wlb_diagnostics: xapi sends "200 OK" before it has asked its workload balancing server, so that what
 * goes wrong is only to be read in the task.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { SimulatedPoolLike } from "../objects/contract.ts";
import type { Dispatcher } from "./dispatch.ts";
import { toFailure } from "./failure.ts";
import { isAdmitted } from "./rrdHttp.ts";

export interface DocumentServices {
  readonly pool: SimulatedPoolLike;
  readonly dispatcher: Dispatcher;
  readonly hostRef: string;
}

const paths: readonly string[] = ["/wlb_report", "/wlb_diagnostics"];

/** Whether the request is for one of these. */
export function isDocument({ method, url = "/" }: IncomingMessage): boolean {
  return method === "GET" && paths.includes(pathOf(url));
}

function pathOf(url: string): string {
  return url.split("?")[0] ?? "";
}

/** Answers a request that isDocument knows. */
export async function serveDocument(
  { pool, dispatcher, hostRef }: DocumentServices,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url = "/", headers } = request;
  const query = new URLSearchParams(url.slice(pathOf(url).length + 1));
  response.sendDate = false;
  response.shouldKeepAlive = false;
  if (!(await isAdmitted({ pool, dispatcher }, { hostRef, headers }, query))) {
    response.writeHead(401, {
      "WWW-Authenticate": 'Basic realm="xapi"',
      "Content-Length": 0,
      Connection: "close",
    });
    return void response.end();
  }
  const task = query.get("task_id");
  response.removeHeader("Transfer-Encoding");
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, {
    Connection: "close",
    "Cache-Control": "no-cache, no-store",
    "Content-Type": "application/octet-stream",
  });
  response.flushHeaders();
  try {
    response.end(await pool.document?.(pathOf(url), [...query]));
    dispatcher.ended(task, null);
  } catch (error) {
    response.end();
    dispatcher.ended(task, toFailure(error));
  }
}
