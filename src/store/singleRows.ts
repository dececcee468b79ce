/**
 * The tables of one row, which `schema install` puts there: without it a program would do nothing for ever, or give
 * numbers again that were given before.
 */
import { AppError } from "../domain/errors.ts";

export type SingleRowTable = "Pause" | "Breaker" | "Lease" | "CollectionHead" | "RuleHead";

/** Every number of a collection that something was written under. */
const collectionNumbers =
  `SELECT Id FROM Collection UNION ALL SELECT CollectionId FROM CollectionPicture UNION ALL
  SELECT CollectionId FROM Migration UNION ALL SELECT CollectionsAtEnd FROM Migration`.replace(/\s+/g, " ");

/** The statements that put a lost row back; numbers go on from the highest that was given. */
export const rowAgain: Readonly<Record<SingleRowTable, string>> = {
  Pause: "INSERT INTO Pause (Name, Paused) VALUES ('control', 0)",
  Breaker: "INSERT INTO Breaker (Name, Trips) VALUES ('control', 0)",
  Lease: "INSERT INTO Lease (Name, Token) SELECT 'control', COALESCE(MAX(Token), 0) FROM Migration",
  CollectionHead: `INSERT INTO CollectionHead (Id, StartedId, StoredId) SELECT 1, COALESCE(MAX(Id), 0), COALESCE((SELECT MAX(Id) FROM Collection), 0) FROM (${collectionNumbers}) AS numbers`,
  RuleHead:
    "INSERT INTO RuleHead (Name, LastRule, LastChange) SELECT 'rules', COALESCE(MAX(Id), 0), (SELECT COALESCE(MAX(Id), 0) FROM RuleHistory) FROM AddedRule",
};

/** The row that `schema install` puts there is gone. */
export function rowMissing(table: SingleRowTable): AppError {
  return new AppError("schema", `the row of table ${table} is gone: put it back with ${rowAgain[table]}`);
}
