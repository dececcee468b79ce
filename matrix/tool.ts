/** Programs of the machine, run to their end. */
import { spawn } from "node:child_process";

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What the program writes to stdout. Throws an error with the end of what it says where it fails or is missing. */
export function outputOf(
  program: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    child.once("error", (error) => reject(new Error(`${program}: ${error.message}`)));
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${program} ended with ${code}: ${lastLines(complaint || output)}`));
    });
  });
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" ");
}
