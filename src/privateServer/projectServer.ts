/** The private server of this project: found or installed, started in .xcp-balance/NAME. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureServer } from "./installServer.ts";
import { type PrivateServer, startPrivateServer } from "./privateServer.ts";

const projectFolder = fileURLToPath(new URL("../..", import.meta.url));

/** Where the project keeps what it makes for itself; ignored by git, may be removed at any time. */
export const workFolder: string = join(projectFolder, ".xcp-balance");

export interface ProjectServerOptions {
  /** Folder below .xcp-balance: "demo", or "test-" and a number. */
  readonly name: string;
  readonly say: (line: string) => void;
}

/** Installs a server where there is none and starts it. Throws an AppError that says what to do. */
export async function startProjectServer(options: ProjectServerOptions): Promise<PrivateServer> {
  await mkdir(workFolder, { recursive: true });
  const server = await ensureServer({
    places: {
      path: process.env["PATH"] ?? "",
      chosen: process.env["XCP_SERVER_PROGRAM"] ?? "",
      unpackFolder: join(workFolder, "server"),
    },
    userId: process.getuid?.() ?? -1,
    say: options.say,
  });
  return startPrivateServer({ directory: join(workFolder, options.name), server });
}
