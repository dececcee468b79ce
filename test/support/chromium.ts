/** A Chromium without a window, led over a pipe by its own protocol: what a page looks like, asks for and complains of. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** Debian's; null where it is not installed. */
export const chromium: string | null = existsSync("/usr/bin/chromium") ? "/usr/bin/chromium" : null;

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

type Answer = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Answer;
  readonly result?: Answer;
  readonly error?: { readonly message: string };
}

/** What was seen of a page while it was open. */
export interface Sighting {
  /** Everything it asked for, itself first. */
  readonly requests: readonly string[];
  /** What stands in the console, and what the browser noted: refusals of the policy, failures, warnings. */
  readonly complaints: readonly string[];
}

export interface ShownPage {
  /** The value of an expression, asked from outside: the page's policy does not hold it up. */
  evaluate<T>(expression: string): Promise<T>;
  /** Gives the window another width. */
  resize(width: number): Promise<void>;
  /** A picture (PNG) of the whole page, as somebody sees it who prefers this. */
  picture(scheme: "light" | "dark"): Promise<Buffer>;
  /** The page as it is printed. */
  print(): Promise<Buffer>;
  readonly seen: Sighting;
}

export class Chromium {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, { ok: (answer: Answer) => void; fail: (error: Error) => void }>();
  readonly #listeners = new Set<(message: Message) => void>();
  #last = 0;
  #text = "";

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    const [, , , , from] = child.stdio;
    (from as Readable).setEncoding("utf8").on("data", (text: string) => this.#read(text));
    child.on("exit", () => {
      for (const { fail } of this.#waiting.values()) fail(new Error("chromium ended"));
    });
  }

  static async start(): Promise<Chromium> {
    const folder = await mkdtemp(join(tmpdir(), "chromium-"));
    const stdio = ["ignore", "ignore", "ignore", "pipe", "pipe"] as const;
    const child = spawn(chromium ?? "chromium", [...flags, `--user-data-dir=${folder}`, "about:blank"], {
      stdio: [...stdio],
      env: { ...process.env, HOME: folder },
    });
    return new Chromium(child, folder);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    await this.#call("Browser.close").catch(() => this.#child.kill());
    await ended;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Opens `url` in a window of its own. */
  async open(url: string): Promise<ShownPage> {
    const { targetId } = await this.#call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.#call("Target.attachToTarget", { targetId, flatten: true });
    const session = String(sessionId);
    const call = (method: string, params: Answer = {}) => this.#call(method, params, session);
    const seen = { requests: [] as string[], complaints: [] as string[] };
    this.#listeners.add((message) => {
      if (message.sessionId === session) note(message, seen);
    });
    for (const domain of ["Network", "Log", "Runtime", "Page", "Audits"]) await call(`${domain}.enable`);
    const loaded = this.#event(session, "Page.loadEventFired");
    await call("Page.navigate", { url });
    await loaded;
    return {
      seen,
      evaluate: async <T>(expression: string) => {
        const { result, exceptionDetails } = await call("Runtime.evaluate", {
          expression,
          returnByValue: true,
        });
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
        return (result as { readonly value: T }).value;
      },
      resize: async (width) => {
        const size = { width, height: 900, deviceScaleFactor: 1, mobile: false };
        await call("Emulation.setDeviceMetricsOverride", size);
      },
      picture: async (scheme) => {
        const features = [{ name: "prefers-color-scheme", value: scheme }];
        await call("Emulation.setEmulatedMedia", { features });
        const { data } = await call("Page.captureScreenshot", { captureBeyondViewport: true });
        return Buffer.from(String(data), "base64");
      },
      print: async () => {
        const { data } = await call("Page.printToPDF", { preferCSSPageSize: true, printBackground: true });
        return Buffer.from(String(data), "base64");
      },
    };
  }

  #event(session: string, method: string): Promise<void> {
    return new Promise((resolve) => {
      const listener = (message: Message): void => {
        if (message.sessionId !== session || message.method !== method) return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
  }

  #call(method: string, params: Answer = {}, sessionId?: string): Promise<Answer> {
    const id = ++this.#last;
    const [, , , to] = this.#child.stdio;
    return new Promise((ok, fail) => {
      this.#waiting.set(id, { ok, fail });
      (to as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  #read(text: string): void {
    const parts = (this.#text + text).split("\0");
    this.#text = parts.pop() ?? "";
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      for (const listener of this.#listeners) listener(message);
      if (message.id === undefined) continue;
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.ok(message.result ?? {});
      else waiting?.fail(new Error(message.error.message));
    }
  }
}

function note({ method, params = {} }: Message, seen: { requests: string[]; complaints: string[] }): void {
  if (method === "Network.requestWillBeSent") {
    seen.requests.push((params["request"] as { readonly url: string }).url);
  }
  if (method === "Log.entryAdded") seen.complaints.push((params["entry"] as { readonly text: string }).text);
  if (method === "Runtime.consoleAPICalled" || method === "Runtime.exceptionThrown") {
    seen.complaints.push(JSON.stringify(params));
  }
  if (method === "Audits.issueAdded") seen.complaints.push(JSON.stringify(params["issue"]));
}
