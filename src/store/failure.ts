/** Sentences for what MySQL and the way to it answer: the cause and the next step. Pure; never sees a password. */
import { AppError } from "../domain/errors.ts";
import { passwordAsked } from "./authentication.ts";
import type { DriverFailure } from "./retry.ts";

/** Where and as whom a connection was tried. */
export interface ConnectionTarget {
  readonly user: string;
  readonly database: string | null;
  readonly usesTls: boolean;
  /** The program that runs, and the one that the account was made for, as far as they are known. */
  readonly program?: string | undefined;
  readonly accountOf?: string | null;
}

/** Why a connection could not be made, with the next step; without the address. */
export function explainConnectFailure(failure: DriverFailure, target: ConnectionTarget): string {
  const said = messageOf(failure);
  if (said.startsWith(passwordAsked)) return said;
  const answered = typeof failure.errno === "number" ? explainAnswer(failure.errno, target) : null;
  if (answered !== null) return answered;
  const explained = typeof failure.code === "string" ? explainCode(failure.code, target) : null;
  return explained ?? said;
}

function explainAnswer(errno: number, { user, database }: ConnectionTarget): string | null {
  switch (errno) {
    case 1045:
    case 1698:
      return `access denied for ${user}: check MysqlUsr and MysqlPass, and that the account may come from this machine`;
    case 1044:
      return `${user} has no rights on the database ${database}: correct MysqlUsr or MysqlDatabase; the accounts are those of sql/accounts.sql`;
    case 1049:
      return `there is no database ${database}: create it with \`xcp-manager schema install\``;
    case 1130:
      return "the server takes no connections from this machine: create the account for its address";
    case 1040:
    case 1203:
      return "the server has no connection left: raise max_connections, or look for what holds them";
    case 1129:
      return "the server blocks this machine after too many failed connections: run FLUSH HOSTS there";
    case 1251:
    case 1524:
      return `the account ${user} uses a login method that is not supported: use caching_sha2_password or mysql_native_password`;
    case 3159:
      return "the server wants TLS: set MysqlCaFile to the certificate of its authority";
    case 3118:
      return `the account ${user} is locked`;
    case 1820:
    case 1862:
      return `the password of ${user} has expired: set a new one`;
    default:
      return null;
  }
}

function explainCode(code: string, { usesTls }: ConnectionTarget): string | null {
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there: start MySQL, or correct MysqlHost";
    case "ENOENT":
      return "there is no such socket: start MySQL, or correct the path";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is unknown: correct MysqlHost, or mend the name service";
    case "ETIMEDOUT":
      return "no answer in time: check the address, the network and the firewall, or raise MysqlConnectSeconds";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "there is no route to it: check the address and the network";
    case "PROTOCOL_CONNECTION_LOST":
    case "ECONNRESET":
      return "it closed the connection: is it a MySQL server, and is it well?";
    case "HANDSHAKE_NO_SSL_SUPPORT":
      return "the server offers no TLS: enable it there, or take MysqlCaFile out of the settings";
    case "HANDSHAKE_SSL_ERROR":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "CERT_HAS_EXPIRED":
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return usesTls
        ? "its certificate is not one that MysqlCaFile vouches for under this name: correct MysqlHost or MysqlCaFile"
        : null;
    case "MYSQL_CLEAR_PASSWORD_NOT_ENABLED":
    case "AUTH_SWITCH_PLUGIN_ERROR":
      return "the account uses a login method that is not supported: use caching_sha2_password or mysql_native_password";
    default:
      return null;
  }
}

/** The failure of a statement as an AppError that says what to do; errors that are none of the server's stay as they are. */
export function explainStatementFailure(error: unknown, target: ConnectionTarget): unknown {
  if (error instanceof AppError || !isDriverFailure(error)) return error;
  return new AppError("mysql", explainStatement(error, target), { cause: error });
}

/** Never "grant it": mostly the right is missing because the account is another program's. */
function explainDenial(said: string, { user, program, accountOf = null }: ConnectionTarget): string {
  if (program === undefined) {
    return `${user} may not do this (${said}): the accounts of the programs are those of sql/accounts.sql`;
  }
  if (accountOf === program) {
    return `${user}, the account of ${program}, lacks a right (${said}): after an upgrade run sql/accounts.sql again`;
  }
  return accountOf === null
    ? `${user} is not the account of ${program} as sql/accounts.sql makes it (${said}): correct MysqlUsr and MysqlPass`
    : `these settings hold the account of ${accountOf} (${user}), and this is ${program}: correct MysqlUsr and MysqlPass (${said})`;
}

function explainStatement(failure: DriverFailure, target: ConnectionTarget): string {
  const { database } = target;
  const said = messageOf(failure);
  if (isDenied(failure.errno)) return explainDenial(said, target);
  switch (failure.errno) {
    case 1146:
    case 1054:
      return `the tables of ${database} are not as expected: ${said}; run \`xcp-manager schema status\``;
    case 1153:
      return `a statement is larger than the server's max_allowed_packet: raise it to 16M or more (${said})`;
    case 1021:
    case 1114:
    case 3675:
      return `MySQL has no room left: ${said}; free space on its disk`;
    case 1205:
    case 1213:
      return `other writers kept the rows locked: ${said}; try again, and look for long transactions`;
    case 1290:
    case 1792:
    case 1836:
    case 3100:
      return `this MySQL server is not the writer (it is read-only): ${said}; name the writer in MysqlHost`;
    case 1047:
      return `this MySQL server is cut off from its cluster: ${said}`;
    case 1969:
    case 3024:
      return `a statement took longer than MysqlStatementSeconds: ${said}`;
    default:
      return `MySQL failed: ${said}`;
  }
}

/** Whether `error` came from the driver: it carries an error number, a code or the mark of a dead connection. */
export function isDriverFailure(error: unknown): error is Error & DriverFailure {
  if (!(error instanceof Error)) return false;
  const failure = error as Error & DriverFailure;
  return (
    typeof failure.errno === "number" ||
    failure.fatal === true ||
    remedyCodes.test(String(failure.code ?? ""))
  );
}

const remedyCodes = /^(E[A-Z]+|ER_\w+|PROTOCOL_\w+|HANDSHAKE_\w+|AUTH_\w+)$/;

function messageOf(failure: DriverFailure): string {
  const message = failure instanceof Error ? failure.message : "";
  return message !== "" ? message : String(failure.code ?? "unknown failure");
}

/** Whether MySQL's error number says that the account may not do this. */
export function isDenied(errno: unknown): boolean {
  return [1044, 1142, 1143, 1227, 1370].includes(Number(errno));
}
