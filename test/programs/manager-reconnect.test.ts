/** The manager's conversation when Mysql goes away and comes back, on a real database behind a relay. */

import net from "node:net";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandList } from "../../src/manager/commands/index.ts";
import { openHistory } from "../../src/manager/history.ts";
import { runRepl } from "../../src/manager/repl.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import type { ControlSettings } from "../../src/settings/types.ts";
import { openDatabase } from "../../src/store/connection.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { noTools } from "../support/noTools.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

/** Control's settings where nobody set any. */
function defaults(): ControlSettings {
  const nothing = { fileName: null, text: "", values: {}, environment: {} };
  const result = parseSettings({ ...nothing, readFile: () => "", readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return result.settings.control;
}

/** Passes connections on to the database, until it is cut; then nothing listens at its port. */
class Relay {
  port = 0;
  readonly #sockets = new Set<net.Socket>();
  #server: net.Server | null = null;

  async open(): Promise<void> {
    const server = net.createServer((socket) => {
      const target = database.manager.servers[0];
      const onward = net.connect(target?.port ?? 0, target?.host);
      for (const end of [socket, onward]) {
        this.#sockets.add(end);
        end.on("error", () => end.destroy());
      }
      socket.pipe(onward).pipe(socket);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as net.AddressInfo).port;
  }

  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()));
  }
}

/** A clock on which every look is a minute later: waiting for Mysql is over after the first try. */
function impatience() {
  let minutes = 0;
  return { random: () => 0, sleep: () => Promise.resolve(), monotonicMs: () => ++minutes * 60_000 };
}

test("F6: an error is told while Mysql is away, and its return with the next command", async () => {
  const relay = new Relay();
  await relay.open();
  const servers = [{ host: "127.0.0.1", port: relay.port }];
  const db = await openDatabase({ ...database.manager, servers }, impatience());
  const [input, output] = [new PassThrough(), new PassThrough()];
  let shown = "";
  output.setEncoding("utf8").on("data", (text: string) => (shown += stripVTControlCharacters(text)));
  const until = async (text: string) => {
    while (!shown.includes(text)) await new Promise((resolve) => output.once("data", resolve));
    shown = shown.slice(shown.indexOf(text) + text.length);
  };
  const ended = runRepl({
    db,
    operator: "root",
    control: defaults(),
    commands: commandList,
    tools: noTools,
    format: "text",
    input,
    output,
    history: openHistory(null),
    loadNames: () => Promise.reject(new Error("not asked")),
    signal: new AbortController().signal,
  });
  try {
    await until("XCP_Manager> ");
    input.write("CREATE RULE HOST CpuAverage > 25\r");
    await until("Rule created");
    await relay.cut();
    input.write("SHOW RULES HOST\r");
    await until("Unable to connect to Mysql");
    await until("The next command connects again.");
    await relay.open();
    input.write("SHOW RULES HOST\r");
    await until("- CpuAverage is more than 25 % above the medium");
    await until("The connection to Mysql is back.");
    input.write("EXIT\r");
    await ended;
    expect(shown).not.toContain("Mysql");
  } finally {
    await db.close();
    await relay.cut();
  }
});
