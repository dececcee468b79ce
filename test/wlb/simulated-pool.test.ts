/**
 * The whole way: npm xen-api asks a simulated pool, which asks xcp-wlb over TLS, which answers by what xcp-collect stored.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "xen-api";
import { diagnose } from "../../src/doctor/diagnose.ts";
import { poolRefOf } from "../../src/simulator/metrics/model.ts";
import { simMap } from "../../src/simulator/objects/datamodel.ts";
import { temporaryFolder, writeSettings } from "../support/programs.ts";
import { type CannedServer, startCannedServer } from "../support/wlb/cannedServer.ts";
import { type RunningWlb, startWlb, wlbPassword, wlbUser } from "../support/wlb/serve.ts";
import { poolPassword, startWorld, type World } from "../support/world.ts";

const farm = ["farm1", "farm2", "farm3", "farm4", "farm5", "farm6", "farm7"];
// db1 and db2 must not share a host; by memory alone db2 would start on blade1, beside db1.
const scenario = `
pool "Asks" product=XCP-ng version=8.3 bandwidth=10000
host boss master cpus=4 memory=8192 base-cpu=2%
host blade1 cpus=8 memory=65536 base-cpu=2%
host blade2 cpus=8 memory=16384 base-cpu=2%
vm hot1 on=boss vcpus=2 memory=1024 cpu=95% tools
vm hot2 on=boss vcpus=2 memory=1024 cpu=95% tools
vm db1 on=blade1 vcpus=2 memory=1024 cpu=20% tools group=databases
vm db2 vcpus=2 memory=1024 mode=pv group=databases
vm db3 vcpus=2 memory=1024 mode=pv group=databases
vm homely vcpus=1 memory=512 mode=pv home=blade2
vm huge vcpus=2 memory=131072 tools
${farm.map((name) => `vm ${name} vcpus=1 memory=6144 mode=pv`).join("\n")}
`;

let world: World;
let server: RunningWlb;
let client: ReturnType<typeof createClient>;
let folder: string;

const { call, failure, ref, place, names } = {
  call: (method: string, ...args: unknown[]) => client.call(method, ...args),
  failure: async (method: string, ...args: unknown[]): Promise<string[]> => {
    const error = await client.call(method, ...args).then(
      () => null,
      (thrown: { code: string; params: string[] }) => thrown,
    );
    return error === null ? [] : [error.code, ...error.params];
  },
  ref: (cls: "VM" | "host", name: string): string => {
    const { db } = world.pool;
    return db.all(cls).find((each) => db.text(cls, each, "name_label") === name) ?? `no ${cls} ${name}`;
  },
  place: (vm: string): string => {
    const { db } = world.pool;
    const host = db.text("VM", ref("VM", vm), "resident_on");
    return db.has("host", host) ? db.text("host", host, "name_label") : "nowhere";
  },
  /** An answer's map with names for references. */
  names: (cls: "VM" | "host", map: unknown): Record<string, string[]> =>
    Object.fromEntries(
      Object.entries(map as Record<string, string[]>).map(([each, value]) => [
        world.pool.db.text(cls, each, "name_label"),
        value,
      ]),
    ),
};

const poolRef = () => poolRefOf(world.pool.model);
const record = () => world.pool.db.record("pool", poolRef());
const messages = () =>
  world.pool.db.all("message").flatMap((each) => {
    const found = world.pool.db.record("message", each);
    return found["name"] === "WLB_CONSULTATION_FAILED" ? [[found["cls"], found["body"]]] : [];
  });
const initialise = (port = server.port, password = wlbPassword) =>
  [`localhost:${port}`, wlbUser, password, "root", poolPassword] as const;

/** As cron has it; xcp-wlb looks every second. Measures of what has just moved are not believed before some points. */
async function collect(): Promise<void> {
  await world.pool.clock.sleep(20_000);
  const { code, stderr } = await world.run("xcp-collect", ["--quiet"], {
    change: { XenHost: world.simulator.hosts[0]?.httpUrl ?? "" },
  });
  if (code !== 0) throw new Error(stderr);
}

beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, speed: 10, server: { http: true, https: true } });
  await collect();
  folder = join(await temporaryFolder(), "wlb");
  server = await startWlb({ ...world.settings("wlb"), WlbFolder: folder, WlbNames: "localhost" });
  client = createClient({
    url: world.simulator.masterUrl,
    auth: { user: "root", password: poolPassword },
    allowUnauthorized: true,
  });
  await client.connect();
});
afterAll(async () => {
  await client.disconnect().catch(() => {});
  await server.stop();
  await world.stop();
});

describe("connecting", () => {
  it("is refused with a wrong password or address, and leaves the pool's record as it was", async () => {
    expect(await failure("pool.initialize_wlb", ...initialise(server.port, "wrong"))).toEqual([
      "WLB_AUTHENTICATION_FAILED",
    ]);
    expect(await failure("pool.initialize_wlb", ...initialise(1))).toEqual(["WLB_CONNECTION_REFUSED"]);
    expect(record()).toMatchObject({ wlb_url: "", wlb_username: "", wlb_enabled: false });
  });

  it("verifies the certificate where the pool does: it must have been installed, and the name be its own", async () => {
    await call("pool.set_wlb_verify_cert", poolRef(), true);
    expect(await failure("pool.initialize_wlb", ...initialise())).toEqual([
      "SSL_VERIFY_ERROR",
      expect.any(String),
    ]);
    const pem = await readFile(join(folder, "certificate.pem"), "utf8");
    await call("pool.install_ca_certificate", "xcp-wlb.pem", pem);
    await call("pool.certificate_sync");
    const [, ...rest] = initialise();
    const byAddress = `127.0.0.1:${server.port}`;
    expect(await failure("pool.initialize_wlb", byAddress, ...rest)).toEqual([
      "SSL_VERIFY_ERROR",
      "Subject checks failed",
    ]);
    await call("pool.initialize_wlb", ...initialise());
    expect(record()).toMatchObject({
      wlb_url: `localhost:${server.port}`,
      wlb_username: wlbUser,
      wlb_enabled: false,
    });
    expect(await failure("pool.retrieve_wlb_recommendations")).toEqual(["WLB_DISABLED"]);
    await call("pool.set_wlb_enabled", poolRef(), true);
    await collect();
  });

  it("gives the configuration, and keeps what is sent", async () => {
    const before = (await call("pool.retrieve_wlb_configuration")) as Record<string, string>;
    expect(before).toMatchObject({ OptimizationMode: "0", AutoBalanceSeverity: "High" });
    await call("pool.send_wlb_configuration", {
      ...before,
      HostCpuThresholdCritical: "0.6",
      note: '<a & "b">',
    });
    expect(await call("pool.retrieve_wlb_configuration")).toEqual({
      ...before,
      HostCpuThresholdCritical: "0.6",
      note: '<a & "b">',
    });
  });
});

describe("recommendations", () => {
  it("are stars for every live host: none beside the other database, none where there is no room", async () => {
    const stars = names("host", await call("VM.retrieve_wlb_recommendations", ref("VM", "db2")));
    expect(Object.keys(stars).sort()).toEqual(["blade1", "blade2", "boss"]);
    expect(stars["blade2"]).toEqual([
      "WLB",
      expect.stringMatching(/^[45]\.\d+$/),
      expect.stringMatching(/^\d+$/),
    ]);
    expect(Number(stars["blade1"]?.[1])).toBeLessThan(Number(stars["blade2"]?.[1]));
    // By memory alone that would be blade1.
    const homely = names("host", await call("VM.retrieve_wlb_recommendations", ref("VM", "homely")));
    const [best] = Object.entries(homely).toSorted(([, a], [, b]) => Number(b[1]) - Number(a[1]));
    expect(best?.[0]).toBe("blade2");
    const none = names("host", await call("VM.retrieve_wlb_recommendations", ref("VM", "huge")));
    for (const [, found] of Object.entries(none))
      expect(found).toMatchObject(["WLB", "0.0", {}, /memory|GiB/i]);
  });

  it("are the plan, with a word for its reason", async () => {
    const plan = () => call("pool.retrieve_wlb_recommendations").then((map) => names("VM", map));
    await expect.poll(plan).toMatchObject({});
    const [[vm, advice] = []] = Object.entries(await plan());
    expect([vm, advice]).toEqual([
      expect.stringMatching(/^hot/),
      ["WLB", expect.any(String), expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/), "Cpu"],
    ]);
  });

  it("that the administrator applies are recognised by the next run of xcp-control", async () => {
    const [[vm = "", [, target = ""] = []] = []] = Object.entries(
      (await call("pool.retrieve_wlb_recommendations")) as Record<string, string[]>,
    );
    await call("VM.pool_migrate", vm, await call("host.get_by_uuid", target), { live: "true" });
    await collect();
    const { stdout } = await world.run("xcp-control", [], {
      change: { XenHost: world.simulator.hosts[0]?.httpUrl ?? "" },
    });
    expect(stdout).toMatch(
      /^Applied by an administrator: hot\d from boss to blade\d \(recommendation \d+\)$/m,
    );
    // Back where it was, for what follows.
    await call("VM.pool_migrate", vm, ref("host", "boss"), { live: "true" });
    await collect();
  });

  it("say where the VMs of a host would go", async () => {
    const targets = names(
      "VM",
      await call("host.retrieve_wlb_evacuate_recommendations", ref("host", "boss")),
    );
    const uuids = ["blade1", "blade2"].map((name) => world.pool.db.text("host", ref("host", name), "uuid"));
    expect(Object.keys(targets).sort()).toEqual(["hot1", "hot2"]);
    for (const [word, host] of Object.values(targets))
      expect([word, uuids.includes(host ?? "")]).toEqual(["WLB", true]);
  });
});

describe("a VM that is started or resumed without a host", () => {
  it("goes where the stars are, and its task says by which advice", async () => {
    await call("pool.add_to_other_config", poolRef(), "tag", "of the pool");
    const task = String(await call("Async.VM.start", ref("VM", "db2"), false, false));
    await expect.poll(() => place("db2")).toBe("blade2");
    expect(world.pool.db.map("task", task, "other_config")).toMatchObject({
      wlb_advised: expect.stringMatching(/^\d+$/),
      wlb_action: "VM.start",
      wlb_action_obj_type: "VM",
      wlb_action_obj_ref: ref("VM", "db2"),
      tag: "of the pool",
    });
    expect(messages()).toEqual([]);
    await call("VM.suspend", ref("VM", "db2"));
    expect(place("db2")).toBe("nowhere");
    await collect();
    await call("VM.resume", ref("VM", "db2"), false, false);
    expect(place("db2")).toBe("blade2");
  });

  it("keeps away from one of its group that was started just before, though no collection knows that yet", async () => {
    await call("VM.start", ref("VM", "db3"), false, false);
    expect([place("db1"), place("db2"), place("db3")]).toEqual(["blade1", "blade2", "boss"]);
    await call("VM.hard_shutdown", ref("VM", "db3"));
  });

  it("is one of many, all started at once: not all go where the first had most stars", async () => {
    await collect();
    for (const vm of farm) await call("VM.start", ref("VM", vm), false, false);
    const found = farm.map(place);
    for (const vm of farm) await call("VM.hard_shutdown", ref("VM", vm));
    // There is memory on blade1 for all of them.
    expect(found).toContain("blade2");
    expect(found.filter((each) => each === "blade1").length).toBeGreaterThanOrEqual(4);
  });

  it("is placed by the pool itself where the administrator wants that, and where nobody answers, which is told", async () => {
    const restart = async () => {
      await call("VM.hard_shutdown", ref("VM", "db2"));
      await call("VM.start", ref("VM", "db2"), false, false);
      return place("db2");
    };
    await call("pool.add_to_other_config", poolRef(), "wlb_choose_host_disable", "True");
    expect([await restart(), messages()]).toEqual(["blade1", []]);
    await call("pool.remove_from_other_config", poolRef(), "wlb_choose_host_disable");
    world.pool.db.set("pool", poolRef(), "wlb_url", "localhost:1");
    expect(await restart()).toBe("blade1");
    const uuid = world.pool.db.text("pool", poolRef(), "uuid");
    expect(messages()).toEqual([["VM", `Wlb consultation for VM 'db2' failed (pool uuid: ${uuid})`]]);
    world.pool.db.set("pool", poolRef(), "wlb_url", `localhost:${server.port}`);
    await call("VM.hard_shutdown", ref("VM", "db2"));
  });
});

describe("host.evacuate", () => {
  it("sends VMs where they are advised to go", async () => {
    await collect();
    const blade1 = ref("host", "blade1");
    await expect
      .poll(async () =>
        Object.keys(names("VM", await call("host.retrieve_wlb_evacuate_recommendations", blade1))),
      )
      .toEqual(["db1"]);
    await call("host.disable", blade1);
    await call("host.evacuate", blade1);
    expect(place("db1")).toBe("blade2");
    await call("host.enable", blade1);
  });

  it("takes along what was started since the collection: the pool then goes by its own plan, which knows it", async () => {
    await collect();
    await call("VM.start", ref("VM", "db2"), false, false);
    const host = place("db2");
    expect(host).toMatch(/^blade/);
    const before = messages().length;
    expect(await failure("host.retrieve_wlb_evacuate_recommendations", ref("host", host))).toEqual([
      "WLB_INTERNAL_ERROR",
      "4016",
      "1 VM may have been started there since the collection: the next one tells",
    ]);
    await call("host.disable", ref("host", host));
    await call("host.evacuate", ref("host", host));
    expect([place("db2"), messages().length]).toEqual([expect.not.stringMatching(host), before + 1]);
    await call("host.enable", ref("host", host));
    await collect();
    await expect
      .poll(() => call("host.retrieve_wlb_evacuate_recommendations", ref("host", place("db2"))))
      .toMatchObject({ [ref("VM", "db2")]: ["WLB", expect.any(String)] });
    await call("VM.hard_shutdown", ref("VM", "db2"));
  });
});

describe("documents", () => {
  const fetched = async (path: string, query: Record<string, string>) => {
    const { body, task } = await client.getResource(path, { query, task: true });
    const text = await body.text();
    const failure = await task?.then(
      () => null,
      (error: { code: string; params: string[] }) => [error.code, ...error.params],
    );
    return { text, failure };
  };

  it("are a report with rows of its own schema, and the server's diagnostics", async () => {
    const { text, failure } = await fetched("/wlb_report", {
      report: "pool_health",
      Start: "-1",
      End: "0",
      PoolID: world.pool.db.text("pool", poolRef(), "uuid"),
      UTCOffset: "0",
      LocaleCode: "en",
    });
    expect(failure).toBeNull();
    expect(text).toMatch(/^<NewDataSet><xs:schema .*<Table>.*<name>boss<\/name>.*<Table1>.*<\/NewDataSet>$/s);
    const diagnosed = await fetched("/wlb_diagnostics", {});
    expect(diagnosed).toEqual({ text: expect.stringContaining("xcp-wlb "), failure: null });
  });

  it("all six reports have rows of the history, in the types of their schema", async () => {
    const pool = { PoolID: world.pool.db.text("pool", poolRef(), "uuid") };
    const host = { HostID: world.pool.db.text("host", ref("host", "boss"), "uuid") };
    const kinds: Readonly<Record<string, RegExp>> = {
      "xs:int": /^-?\d+$/,
      "xs:long": /^-?\d+$/,
      "xs:decimal": /^-?\d+(\.\d+)?$/,
      "xs:dateTime": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
      "xs:string": /./,
    };
    for (const [report, of] of [
      ["pool_health", pool],
      ["pool_health_history", pool],
      ["host_health_history", host],
      ["optimization_performance_history", pool],
      ["vm_movement_history", pool],
      ["vm_performance_history", host],
    ] as const) {
      const { text } = await fetched("/wlb_report", { report, Start: "-1", End: "0", UTCOffset: "0", ...of });
      const types = new Map(
        [...text.matchAll(/<xs:element name="(\w+)" type="([\w:]+)"/g)].map(([, a, b]) => [a, b]),
      );
      const rows = [...text.matchAll(/<Table>(.*?)<\/Table>/gs)].map(([, row = ""]) => row);
      expect([report, rows.length > 0]).toEqual([report, true]);
      expect([report, ...columnsOf(report).filter((column) => !types.has(column))]).toEqual([report]);
      for (const [, column = "", value = ""] of rows.join("").matchAll(/<(\w+)>([^<]*)<\/\1>/g))
        expect([report, column, value]).toEqual([
          report,
          column,
          expect.stringMatching(kinds[types.get(column) ?? ""] ?? /^$/),
        ]);
    }
  });

  /** The columns that XenCenter's layouts have. */
  function columnsOf(report: string): readonly string[] {
    const each = (names: readonly string[], ends: readonly string[]) =>
      names.flatMap((name) => ends.map((end) => `${name}_${end}`));
    const levels = ["critical", "high", "medium", "low"];
    const hostSubjects = ["cpu", "memory", "net_read", "net_write"].map((name) => `host_${name}_threshold`);
    const thresholds = each(hostSubjects, levels);
    const day = ["day", "hour"];
    const host = ["hostid", "name", "start_time"];
    const means = [
      "avg_total_cpu",
      "avg_free_mem",
      "avg_total_pif_read_per_sec",
      "avg_total_pif_write_per_sec",
    ];
    const subjects = ["cpu", "memory", "network_read", "network_write"];
    const columns: Readonly<Record<string, readonly string[]>> = {
      pool_health: [
        ...[...host, "uuid", ...thresholds],
        ...each(["cpu", "memory", "network_reads", "network_writes"], levels),
        ...each(subjects, ["threshold_percent"]),
      ],
      pool_health_history: [...day, ...host, ...thresholds, ...means],
      host_health_history: [...day, ...host, ...thresholds, ...means],
      optimization_performance_history: [...day, ...host, ...means, "optimized_moves"],
      vm_movement_history: [
        ...[...day, "id", "vmname", "to_hostname", "from_hostname"],
        ...["recommendation_id", "reason", "move_time"],
      ],
      vm_performance_history: [
        ...[...day, "vmid", "name", "hostid", "hostname", "avg_cpu", "avg_free_mem"],
        ...each(["avg_vif", "avg_vbd"], ["read", "write"]),
        "min_dynamic_memory",
      ],
    };
    return columns[report] ?? [];
  }

  it("that cannot be had end empty, and the task says why", async () => {
    expect(await fetched("/wlb_report", { report: "get_report_definitions", LocaleCode: "en" })).toEqual({
      text: "",
      failure: ["WLB_INTERNAL_ERROR", "4007", expect.any(String)],
    });
  });
});

describe("doctor", () => {
  it("sees that xcp-wlb is the pool's server, that it answers, and how long its certificate is good", async () => {
    const file = await writeSettings(await temporaryFolder(), {
      ...world.settings("manager"),
      XenHost: world.simulator.hosts[0]?.httpUrl ?? "",
      XenUsr: "root",
      XenPass: poolPassword,
    });
    const asked = async () => {
      const { checks } = await diagnose({
        places: { collect: file, manager: file, control: file },
        nodeVersion: process.version,
        signal: new AbortController().signal,
        areas: ["settings", "database", "pool"],
      });
      return checks.find(({ name }) => name === "workload-balancing")?.findings ?? [];
    };
    expect(await asked()).toMatchObject([
      {
        state: "ok",
        says: expect.stringMatching(
          /^the pool's server is xcp-wlb; it answers at localhost:\d+, its certificate is good until 20\d\d-/,
        ),
      },
    ]);
    world.pool.db.update("pool", poolRef(), { wlb_url: "localhost:1", wlb_enabled: false });
    expect(await asked()).toMatchObject([
      { state: "failure", says: expect.stringMatching(/nobody answers at localhost:1/) },
      { state: "warning", says: expect.stringMatching(/paused/) },
    ]);
    world.pool.db.update("pool", poolRef(), { wlb_url: `localhost:${server.port}`, wlb_enabled: true });
  });
});

describe("a server that answers wrongly", () => {
  let canned: CannedServer;
  beforeAll(async () => {
    canned = await startCannedServer();
    await call("pool.set_wlb_verify_cert", poolRef(), false);
    world.pool.db.set("pool", poolRef(), "wlb_url", `localhost:${canned.port}`);
  });
  afterAll(async () => {
    world.pool.db.set("pool", poolRef(), "wlb_url", `localhost:${server.port}`);
    await canned.stop();
  });
  const uuid = (cls: "VM" | "host", name: string) => world.pool.db.text(cls, ref(cls, name), "uuid");
  const answers = (method: string, content: string) => {
    const body = `<e><Body><${method}Response><${method}Result>${content}</${method}Result></${method}Response></Body></e>`;
    canned.answer = () => ({ status: 200, body, framing: "content-length, close" });
  };
  const rated = (hosts: readonly string[], stars = "3") =>
    hosts
      .map(
        (host, n) =>
          `<r><HostUuid>${uuid("host", host)}</HostUuid><RecommendationId>${n}</RecommendationId><Stars>${stars}</Stars><ZeroScoreReason>None</ZeroScoreReason></r>`,
      )
      .join("");

  it("cannot send a VM where the pool would not boot it, nor leave a host out, nor name one twice", async () => {
    answers(
      "VMGetRecommendations",
      `<Recommendations>${rated(["boss", "blade1", "blade2"])}</Recommendations>`,
    );
    const stars = names("host", await call("VM.retrieve_wlb_recommendations", ref("VM", "huge")));
    expect(stars["boss"]).toMatchObject(["WLB", "0.0", "0", /^HOST_NOT_ENOUGH_FREE_MEMORY;/]);
    for (const list of ["", rated(["boss", "boss", "blade1"])]) {
      answers("VMGetRecommendations", `<Recommendations>${list}</Recommendations>`);
      expect(await failure("VM.retrieve_wlb_recommendations", ref("VM", "db2"))).toEqual([
        "WLB_MALFORMED_RESPONSE",
        "VMGetRecommendations",
        "VM recommendations must only target live hosts and target all of them",
        "Unknown",
      ]);
    }
  });

  it("cannot keep a VM where it is, and what it leaves out has no room", async () => {
    const to = (vm: string, host: string) =>
      `<Recommendations><r><HostUuid>${uuid("host", host)}</HostUuid><RecommendationId>1</RecommendationId><VmUuid>${uuid("VM", vm)}</VmUuid></r></Recommendations>`;
    const boss = ref("host", "boss");
    answers("HostGetRecommendations", to("hot1", "boss"));
    const same = (vm: string) => [
      "WLB_MALFORMED_RESPONSE",
      `WLB recommends migrating VM ${vm} to the same server it is being evacuated from.`,
    ];
    expect(await failure("host.retrieve_wlb_evacuate_recommendations", boss)).toEqual(same("hot1"));
    // That it has gone to its target already is as bad, whoever moved it.
    answers("HostGetRecommendations", to("db1", place("db1")));
    expect(await failure("host.retrieve_wlb_evacuate_recommendations", boss)).toEqual(same("db1"));
    answers("HostGetRecommendations", to("hot1", "blade1"));
    expect(names("VM", await call("host.retrieve_wlb_evacuate_recommendations", boss))).toEqual({
      hot1: ["WLB", uuid("host", "blade1")],
      hot2: ["HOST_NOT_ENOUGH_FREE_MEMORY", ref("VM", "hot2")],
    });
  });

  it("has power advice told by the host's control domain", async () => {
    answers(
      "GetOptimizationRecommendations",
      `<OptimizationId>7</OptimizationId><Recommendations><r><MoveFromHostUuid>${uuid("host", "blade2")}</MoveFromHostUuid><Reason>PowerOff</Reason><RecommendationId>9</RecommendationId></r></Recommendations>`,
    );
    const advice = (await call("pool.retrieve_wlb_recommendations")) as Record<string, string[]>;
    const dom0 = world.pool.db.text("host", ref("host", "blade2"), "control_domain");
    expect(advice).toEqual({ [dom0]: ["WLB", uuid("host", "blade2"), "7", "9", "PowerOff"] });
  });

  it("is not waited for longer than wlb_timeout", async () => {
    canned.answer = () => ({ status: 200, body: "", framing: "never" });
    world.pool.db.set("pool", poolRef(), "other_config", simMap([["wlb_timeout", "0.2"]]));
    expect(await failure("pool.retrieve_wlb_configuration")).toEqual(["WLB_TIMEOUT", "0.2"]);
    world.pool.db.set("pool", poolRef(), "other_config", simMap([]));
  });
});

describe("deconfiguring", () => {
  it("forgets the server, its password and that it was enabled, on both sides", async () => {
    await call("pool.deconfigure_wlb");
    expect(record()).toMatchObject({ wlb_url: "", wlb_username: "", wlb_enabled: false });
    expect(world.pool.db.all("secret")).toEqual([]);
    expect(await failure("pool.retrieve_wlb_configuration")).toEqual(["WLB_NOT_INITIALIZED"]);
    await server.program.waitFor(/is disconnected/);
  });
});
