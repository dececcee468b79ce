import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { parse } from "dotenv";
import { describe, expect, it } from "vitest";
import { environmentName, type SettingGroup, settingKeys } from "../../src/settings/keys.ts";
import { parseSettings, type SettingsResult } from "../../src/settings/settings.ts";
import type { SettingsSources } from "../../src/settings/types.ts";

const good = [
  "XenHost=10.0.0.1",
  "XenUsr=root",
  "XenPass='s3cret#word'",
  "MysqlHost=db1,db2:3307,[::1]:3308",
  "MysqlUsr=xcp",
  "MysqlPass=hidden-pass",
].join("\n");
const all: readonly SettingGroup[] = ["xen", "mysql", "collect", "control"];

function read(
  text: string,
  extra: Partial<SettingsSources> = {},
  groups = all,
): SettingsResult<SettingGroup> {
  return parseSettings(
    {
      fileName: "settings",
      text,
      values: parse(text),
      environment: {},
      readFile: (path) => {
        throw new Error(`no such file: ${path}`);
      },
      readCredential: () => null,
      ...extra,
    },
    groups,
  );
}

function problems(text: string, extra: Partial<SettingsSources> = {}, groups = all): readonly string[] {
  const result = read(text, extra, groups);
  return "problems" in result ? result.problems : [];
}

function settings(text: string, extra: Partial<SettingsSources> = {}) {
  const result = read(text, extra);
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  return result.settings;
}

describe("a complete file", () => {
  it("gives typed values, defaults and servers with their ports", () => {
    const { xen, mysql, control } = settings(good);
    expect(xen.urls).toEqual(["https://10.0.0.1"]);
    expect(xen.password.reveal()).toBe("s3cret#word");
    expect(mysql.servers).toEqual([
      { host: "db1", port: 3306 },
      { host: "db2", port: 3307 },
      { host: "::1", port: 3308 },
    ]);
    expect(mysql.database).toBe("Xen");
    expect(control.pollMs).toBe(2000);
  });

  it("keeps http:// and a port where they are written out", () => {
    const { xen } = settings(good.replace("10.0.0.1", "http://xen1:8080, xen2"));
    expect(xen.urls).toEqual(["http://xen1:8080", "https://xen2"]);
  });

  it("never prints a password, however the settings are printed", () => {
    const read = settings(good);
    const printed = inspect(read, { depth: 9 }) + JSON.stringify(read) + String(read.xen.password);
    expect(printed).not.toContain("s3cret");
    expect(printed).not.toContain("hidden-pass");
  });

  it("normalises fingerprints with and without colons", () => {
    const hex = "ab".repeat(32);
    const { xen } = settings(`${good}\nXenFingerprint=${hex},SHA256:${hex.toUpperCase()}`);
    expect(new Set(xen.fingerprints)).toEqual(new Set([Array(32).fill("AB").join(":")]));
  });
});

describe("mistakes", () => {
  it("are reported all together, each with its line", () => {
    const text = `${good}\nMysqlPas=x\nXen Pass=1\nControlPollSeconds=0\nXenTlsMinVersion=SSLv3`;
    const found = problems(text);
    expect(found).toHaveLength(4);
    expect(found).toContain("settings: line 7: unknown key MysqlPas; did you mean MysqlPass?");
    expect(found).toContain("settings: line 8: yields no key; write KEY=VALUE, or # before a comment");
    expect(found).toContain(
      'settings: line 9: ControlPollSeconds: must be a whole number from 1 to 60, not "0"',
    );
    expect(found).toContain(
      "settings: line 10: XenTlsMinVersion: must be one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3",
    );
  });

  it.each([
    ["an unquoted #", "XenPass=ab#cd", /line 3: XenPass holds an unquoted #/],
    ["an unquoted # at the start", "XenPass=#abc", /line 3: XenPass holds an unquoted #/],
    ["a line with a colon and no blank", "XenPass:abc", /line 3: yields no key/],
    ["a line without =", "XenPass abc", /line 3: yields no key/],
    ["an open quote", "XenPass='abc", /line 3: XenPass opens a quote/],
    ["text after the closing quote", "XenPass='abc'def", /line 3: XenPass goes on after its closing quote/],
  ])("%s is named with its line and without its text", (_what, line, expected) => {
    const found = problems(good.replace("XenPass='s3cret#word'", line)).join("\n");
    expect(found).toMatch(expected);
    expect(found).not.toMatch(/ab#cd|abc/);
  });

  it("name a missing key only for the programs that use it", () => {
    const text = good.replace(/^XenPass.*\n/m, "");
    expect(problems(text)).toEqual([
      "settings: XenPass is missing; add a line XenPass=... or set XCP_XEN_PASS",
    ]);
    expect(problems(text, {}, ["mysql"])).toEqual([]);
  });

  it("report a key that stands twice", () => {
    expect(problems(`${good}\nXenUsr=admin`)).toEqual([
      "settings: line 7: XenUsr stands on line 2 already; keep one",
    ]);
  });

  it.each([
    ["XenHost=ftp://x", /"ftp:\/\/x" is no host/],
    ["XenHost=https://root:secretpw@x", /holds a user or password/],
    ["XenHost=a b", /is no host/],
    ["MysqlHost=db:99999", /port 99999 is out of range/],
    ["MysqlDatabase=a;b", /must be 1 to 64 letters/],
    ["XenFingerprint=12:34", /64 hexadecimal digits/],
    ["XenPoolUuid=123", /is no uuid/],
    ["CollectDeadlineSeconds=ten", /whole number from 5 to 3600/],
    ["CollectDeadlineSeconds=1e2", /whole number from 5 to 3600/],
  ])("%s is refused", (line, expected) => {
    const key = line.split("=")[0];
    const text = `${good.replace(new RegExp(`^${key}=.*$`, "m"), "")}\n${line}`;
    const found = problems(text).join("\n");
    expect(found).toMatch(expected);
    expect(found).not.toContain("secretpw");
  });
});

describe("passwords from elsewhere", () => {
  const without = good.replace(/^XenPass.*\n/m, "");

  it("the environment wins over the file", () => {
    expect(settings(good, { environment: { XCP_XEN_PASS: "env" } }).xen.password.reveal()).toBe("env");
  });

  it("a file named by the environment loses its last line end only", () => {
    const sources = { environment: { XCP_XEN_PASS_FILE: "/run/pass" }, readFile: () => " from file \n" };
    expect(settings(without, sources).xen.password.reveal()).toBe(" from file ");
  });

  it("a systemd credential is used", () => {
    const readCredential = (name: string) => (name === "XenPass" ? "credential\n" : null);
    expect(settings(without, { readCredential }).xen.password.reveal()).toBe("credential");
  });

  it("XenPassFile is read, and reported when it cannot be", () => {
    const text = `${without}\nXenPassFile=/x/y`;
    expect(settings(text, { readFile: () => "pw\n" }).xen.password.reveal()).toBe("pw");
    expect(problems(text)).toEqual(["XenPassFile: cannot use the file it names: no such file: /x/y"]);
  });

  it("two sources at once are refused", () => {
    const environment = { XCP_XEN_PASS: "a", XCP_XEN_PASS_FILE: "/b" };
    expect(problems(good, { environment })).toEqual([
      "XCP_XEN_PASS and XCP_XEN_PASS_FILE are both set; keep one",
    ]);
  });
});

describe("settings.example", () => {
  const text = readFileSync(new URL("../../settings.example", import.meta.url), "utf8");

  it("documents every key, with the default that the code has", () => {
    for (const [key, definition] of Object.entries(settingKeys)) {
      const line = text.split("\n").find((candidate) => candidate.replace(/^#/, "").startsWith(`${key}=`));
      expect(line, key).toBeDefined();
      const fallback = "fallback" in definition ? definition.fallback : undefined;
      if (fallback !== undefined) expect(line).toBe(`#${key}=${fallback}`);
    }
  });

  it("is itself a settings file without a problem", () => {
    expect(problems(text)).toEqual([]);
  });

  it("names environment variables in capitals", () => {
    expect(environmentName("XenPass")).toBe("XCP_XEN_PASS");
    expect(environmentName("ControlSnapshotMaxAgeSeconds")).toBe("XCP_CONTROL_SNAPSHOT_MAX_AGE_SECONDS");
  });
});
