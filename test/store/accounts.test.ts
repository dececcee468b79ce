import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whoCanLogIn } from "../../src/doctor/checks/publishedPasswords.ts";
import { type AccountValues, renderAccounts } from "../../src/store/accounts.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { expectedViews } from "../../src/store/schema/expected.ts";
import { readSchemaFiles } from "../../src/store/schema/files.ts";
import { schemaStatus } from "../../src/store/schema/schema.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const everyoneMustNot = [
  "CREATE TABLE Mine (a INT PRIMARY KEY)",
  "DROP TABLE Map",
  "ALTER TABLE Vm ADD COLUMN Extra INT",
  "TRUNCATE TABLE VmBar",
  "CREATE INDEX Quick ON Vm (VcpuNum)",
  "UPDATE SchemaVersion SET Version = 9 WHERE Version = 1",
  "DELETE FROM SchemaVersion WHERE Version = 1",
  "CREATE USER 'friend'@'%'",
  "SELECT User FROM mysql.user",
];

const forbidden = {
  collect: [
    ...everyoneMustNot,
    "INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuAverage', 1)",
    "UPDATE HostRule SET Threshold = 1 WHERE Subject = 'CpuAverage'",
    "DELETE FROM HostRule WHERE Subject = 'CpuAverage'",
    "SELECT Threshold FROM HostRule",
    "INSERT INTO AddedRule (Id, Kind, Enabled) VALUES (1, 'HOST', TRUE)",
    "DELETE FROM RuleTerm WHERE RuleId = 1",
    "SELECT ChangedBy FROM RuleHistory",
    "DELETE FROM Collection WHERE Id = 1",
    "UPDATE Collection SET Complete = 1 WHERE Id = 1",
    "DELETE FROM CollectionHead WHERE Id = 1",
    "INSERT INTO Migration (Id) VALUES ('x')",
    "UPDATE Lease SET Token = 9 WHERE Name = 'control'",
  ],
  manager: [
    ...everyoneMustNot,
    "UPDATE HostRule SET Threshold = 1 WHERE Subject = 'CpuAverage'",
    "UPDATE RuleHistory SET ChangedBy = 'somebody else' WHERE Id = 1",
    "DELETE FROM RuleHistory WHERE Id = 1",
    "INSERT INTO HostMeasure VALUES ('x', 'loadavg', 1)",
    "INSERT INTO Vm (UUID) VALUES ('x')",
    "UPDATE Host SET CpuAverage = 0 WHERE UUID = 'x'",
    "DELETE FROM Map WHERE VmUuid = 'x'",
    "INSERT INTO Pool (Id) VALUES (2)",
    "UPDATE CollectionHead SET StoredId = 9 WHERE Id = 1",
    "DELETE FROM VmBar WHERE VmUuid = 'x'",
    "UPDATE Migration SET State = 'succeeded' WHERE Id = 'x'",
    "DELETE FROM Migration WHERE Id = 'x'",
    "UPDATE Lease SET Token = 9 WHERE Name = 'control'",
    "UPDATE Breaker SET OpenUntil = NULL WHERE Name = 'control'",
  ],
  control: [
    ...everyoneMustNot,
    "INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuAverage', 1)",
    "DELETE FROM HostRule WHERE Subject = 'CpuAverage'",
    "UPDATE AddedRule SET Enabled = FALSE WHERE Id = 1",
    "INSERT INTO RuleHistory (Id, ChangedAt, ChangedBy, Action, Kind) VALUES (1, NOW(), 'x', 'create', 'HOST')",
    "DELETE FROM HostMeasure WHERE Name = 'loadavg'",
    "UPDATE Host SET CpuAverage = 0 WHERE UUID = 'x'",
    "INSERT INTO Vm (UUID) VALUES ('x')",
    "DELETE FROM Map WHERE VmUuid = 'x'",
    "DELETE FROM Collection WHERE Id = 1",
    "DELETE FROM Migration WHERE Id = 'x'",
    "DELETE FROM Lease WHERE Name = 'control'",
    "UPDATE Pause SET Paused = 0 WHERE Name = 'control'",
    "DELETE FROM Exclusion WHERE ObjectUuid = 'x'",
    "DELETE FROM WlbPool WHERE PoolUuid = 'x'",
    "UPDATE WlbConfiguration SET Value = 'false' WHERE Name = 'AutoBalanceEnabled'",
  ],
  wlb: [
    ...everyoneMustNot,
    "INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuAverage', 1)",
    "DELETE FROM HostRule WHERE Subject = 'CpuAverage'",
    "UPDATE Host SET CpuAverage = 0 WHERE UUID = 'x'",
    "DELETE FROM Map WHERE VmUuid = 'x'",
    "INSERT INTO Migration (Id) VALUES ('x')",
    "UPDATE Lease SET Token = 9 WHERE Name = 'control'",
    "UPDATE Pause SET Paused = 0 WHERE Name = 'control'",
    "DELETE FROM Exclusion WHERE ObjectUuid = 'x'",
  ],
} as const;

describe.each(["collect", "manager", "control", "wlb"] as const)("the account of %s", (program) => {
  let db: Database;
  beforeAll(async () => {
    db = await openDatabase(test[program]);
  });
  afterAll(() => db.close());

  it.each(forbidden[program])("may not %s", async (statement) => {
    const denied = await db.write((writer) => writer.run(statement)).catch((error: unknown) => error);
    expect(denied).toMatchObject({
      code: "mysql",
      message: expect.stringMatching(/may not do this .*accounts\.sql/),
    });
  });

  it("may read the version of the schema", async () => {
    expect(await schemaStatus(test[program])).toMatchObject({ found: "ours", pending: [] });
  });
});

describe("the account of reader", () => {
  let db: Database;
  beforeAll(async () => {
    db = await openDatabase(test.reader);
  });
  afterAll(() => db.close());

  it("sees every view and no table", async () => {
    const seen = await db.read((reader) =>
      reader.rows("SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"),
    );
    const views = expectedViews(readSchemaFiles().files).map(({ name }) => name);
    expect(seen.map(({ name }) => name).sort()).toEqual([...views].sort());
    for (const view of views)
      expect(await db.read((reader) => reader.rows(`SELECT * FROM ${view} LIMIT 1`))).toBeInstanceOf(Array);
  });

  it.each([
    ...everyoneMustNot,
    "SELECT Name FROM Host",
    "SELECT Detail FROM ProgramRun",
    "DELETE FROM v_run_count",
    "UPDATE v_pool SET pool_uuid = 'x'",
  ])("may not %s", async (statement) => {
    const denied = await db.write((writer) => writer.run(statement)).catch((error: unknown) => error);
    expect(denied).toMatchObject({ code: "mysql" });
  });
});

describe("the template of the accounts", () => {
  const template = readFileSync(new URL("../../sql/accounts.sql", import.meta.url), "utf8");
  const values: AccountValues = {
    database: "Xen`; --",
    accountHost: "10.0.0.%",
    collectUser: "c",
    collectPassword: 'it\'s \\ a "secret"; --',
    managerUser: "m",
    managerPassword: "{collectPassword}",
    controlUser: "k",
    controlPassword: "$&",
    readerUser: "r",
    readerPassword: "r",
    wlbUser: "w",
    wlbPassword: "w",
  };

  it("leaves no placeholder unfilled and no statement unended", () => {
    const statements = renderAccounts(template, { ...values, managerPassword: "m" });
    expect(statements.length).toBeGreaterThan(10);
    for (const statement of statements) {
      expect(statement).toMatch(/^(CREATE USER|GRANT) /);
      expect(statement).not.toMatch(/[{}]/);
    }
  });

  it("escapes each value for the quotes it stands in, and fills in nothing twice", () => {
    const text = renderAccounts(template, values).join("\n");
    expect(text).toContain("IDENTIFIED BY 'it''s \\\\ a \"secret\"; --'");
    expect(text).toContain("ON `Xen``; --`.Host TO 'c'@'10.0.0.%'");
    expect(text).toContain("'m'@'10.0.0.%' IDENTIFIED BY '{collectPassword}'");
    expect(text).toContain("IDENTIFIED BY '$&'");
  });

  it("is refused when it asks for what there is no value for", () => {
    expect(() => renderAccounts("CREATE USER '{nobody}'@'%';", values)).toThrow(/unknown \{nobody\}/);
  });
});

describe("an account with the password of the template", () => {
  it("is found by its login, and others are not", async () => {
    const { user, password } = test.wlb;
    const [known, other] = [
      { user, password },
      { user, password: "{wlbPassword}" },
    ];
    expect(await whoCanLogIn(test.manager, [known, other])).toEqual([known]);
    expect(await whoCanLogIn(test.manager, [{ user: "xcp_nobody", password: "{wlbPassword}" }])).toEqual([]);
  });
});
