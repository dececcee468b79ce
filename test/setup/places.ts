/** The database server that the tests of test/setup start for themselves. */
import { join } from "node:path";
import { findServer, type ServerProgram } from "../../src/privateServer/findServer.ts";
import { workFolder } from "../../src/privateServer/projectServer.ts";

/** The one of this machine; globalSetup installed it unless the run uses an outside server. */
export function serverOfThisMachine(): Promise<ServerProgram | null> {
  return findServer({
    path: process.env["PATH"] ?? "",
    chosen: process.env["XCP_SERVER_PROGRAM"] ?? "",
    unpackFolder: join(workFolder, "server"),
  });
}
