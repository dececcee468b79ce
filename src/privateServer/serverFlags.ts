/** The command lines of a small private MariaDB or MySQL server. */
import { join } from "node:path";
import type { ServerProgram } from "./findServer.ts";

export interface ServerFiles {
  readonly data: string;
  /** For its temporary files. MariaDB removes every #sql file of this folder when it starts, also another server's. */
  readonly temporary: string;
  readonly socket: string;
  readonly log: string;
  readonly pidFile: string;
  /** SQL that the server runs before it takes connections. */
  readonly initFile: string;
}

/** Sizes that fit a laptop: about 55 MB of memory and 35 MB of disk for MariaDB instead of 100 and 114. */
const small = {
  MariaDB: [
    "--loose-debug-no-sync",
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-buffer-size=2M",
    "--key-buffer-size=64K",
    "--aria-pagecache-buffer-size=128K",
    "--table-open-cache=200",
  ],
  MySQL: [
    "--performance-schema=OFF",
    "--innodb-redo-log-capacity=16M",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-buffer-size=2M",
    "--key-buffer-size=64K",
    "--skip-log-bin",
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
  ],
};

function always(server: ServerProgram, data: string, isRoot: boolean): string[] {
  return [
    "--no-defaults",
    `--datadir=${data}`,
    ...(server.unpacked === null ? [] : [`--basedir=${server.unpacked.baseDirectory}`]),
    // The server refuses to run as root unless told to; it needs no account of its own here.
    ...(isRoot ? ["--user=root"] : []),
  ];
}

/** Makes the data folder `data`, with `temporary` for what is needed on the way. */
export function initialiseCommand(
  server: ServerProgram,
  data: string,
  temporary: string,
  isRoot: boolean,
): [string, string[]] {
  const common = [...always(server, data, isRoot), `--tmpdir=${temporary}`];
  if (server.installer === null) {
    return [server.program, [...common, "--initialize-insecure", ...small.MySQL]];
  }
  const maria = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"];
  return [server.installer, [...common, ...maria, "--innodb-log-file-size=16M"]];
}

/** Starts the server on 127.0.0.1. */
export function startCommand(
  server: ServerProgram,
  files: ServerFiles,
  port: number,
  isRoot: boolean,
): [string, string[]] {
  return [
    server.program,
    [
      ...always(server, files.data, isRoot),
      `--tmpdir=${files.temporary}`,
      `--socket=${files.socket}`,
      `--log-error=${files.log}`,
      `--pid-file=${files.pidFile}`,
      `--init-file=${files.initFile}`,
      "--bind-address=127.0.0.1",
      `--port=${port}`,
      "--skip-name-resolve",
      "--character-set-server=utf8mb4",
      "--local-infile=0",
      "--max-connections=150",
      // What is in here can be made again, and outlives the server's own end by kill -9: only that of the machine's power
      // would lose what was not yet synchronised, and waiting for the disk takes most of a schema's installation.
      "--innodb-flush-log-at-trx-commit=2",
      "--innodb-flush-method=nosync",
      ...small[server.flavour],
    ],
  ];
}

/** Root with `password` and nobody else; run at every start, before the server takes connections. */
export function rootAccountSql(server: ServerProgram, password: string): string {
  const others =
    server.flavour === "MariaDB"
      ? [
          "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host NOT IN ('localhost', '127.0.0.1'));",
          "FLUSH PRIVILEGES;",
        ]
      : [];
  return [
    ...others,
    `CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;",
    `ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '${password}', 'root'@'localhost' IDENTIFIED BY '${password}';`,
    "",
  ].join("\n");
}

/** The environment in which the server's programs find their libraries. */
export function serverEnvironment(server: ServerProgram, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return server.unpacked === null ? env : { ...env, LD_LIBRARY_PATH: server.unpacked.libraryPath };
}

export function temporaryFolderOf(directory: string): string {
  return join(directory, "tmp");
}

/** Where a private server keeps its files below `directory`. */
export function serverFiles(directory: string, socketFolder: string): ServerFiles {
  return {
    data: join(directory, "data"),
    temporary: temporaryFolderOf(directory),
    socket: join(socketFolder, "s.sock"),
    log: join(directory, "server.log"),
    pidFile: join(directory, "mysqld.pid"),
    initFile: join(directory, "root.sql"),
  };
}
