import { readFile, stat } from "node:fs/promises";
import { parse } from "dotenv";
import { expect, test } from "vitest";
import { temporaryFolder, writeSettings } from "../support/programs.ts";

test("a settings file holds exactly the values it was given, and only its user can read it", async () => {
  const values = {
    XenHost: "http://127.0.0.1:8080,https://127.0.0.2",
    XenUsr: "root",
    XenPass: 'pa#ss "word" with \\ and blanks ',
    MysqlPass: "it's $HOME \\n",
    Empty: "",
  };
  const file = await writeSettings(await temporaryFolder(), values);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(parse(await readFile(file))).toEqual(values);
});

test("a value that no settings file can hold is refused", async () => {
  const folder = await temporaryFolder();
  await expect(writeSettings(folder, { XenPass: "'\"`" })).rejects.toThrow("all three kinds of quote");
});
