/**
 * Keeps the passwords of pool accounts from whoever reads the database alone: AES-256-GCM by a key in a file of this
 * server, bound to the pool that the password is of. No program reads them back today; a pool hands its account over, and
 * what is kept of it is as safe as the settings' own passwords.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { AppError } from "../domain/errors.ts";
import { passwordFile, readGuarded } from "../program/privateFile.ts";
import { writeWhole } from "../program/wholeFile.ts";
import { Secret } from "../settings/secret.ts";

const cipher = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

export class AccountKey {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** The key in `folder`, made where there is none. @throws AppError "file" or "settings". */
  static async open(folder: string, unique: string): Promise<AccountKey> {
    const file = path.join(folder, "accounts.key");
    const isThere = await fs.access(file).then(
      () => true,
      () => false,
    );
    if (!isThere) await writeWhole(file, `${randomBytes(32).toString("base64url")}\n`, unique);
    const key = Buffer.from(readGuarded(file, passwordFile).trim(), "base64url");
    if (key.length === 32) return new AccountKey(key);
    throw new AppError("file", `${file} holds no key`, { next: "remove it, and connect the pools again" });
  }

  /** The password as it is stored for the pool `owner`. */
  seal(password: Secret, owner: string): Uint8Array {
    const nonce = randomBytes(nonceBytes);
    const sealing = createCipheriv(cipher, this.#key, nonce).setAAD(Buffer.from(owner));
    const text = Buffer.concat([sealing.update(password.reveal(), "utf8"), sealing.final()]);
    return Buffer.concat([nonce, sealing.getAuthTag(), text]);
  }

  /** What `seal` stored. @throws Error where the key or the owner is another. */
  open(sealed: Uint8Array, owner: string): Secret {
    const bytes = Buffer.from(sealed);
    const opening = createDecipheriv(cipher, this.#key, bytes.subarray(0, nonceBytes))
      .setAAD(Buffer.from(owner))
      .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    const text = Buffer.concat([opening.update(bytes.subarray(nonceBytes + tagBytes)), opening.final()]);
    return new Secret(text.toString("utf8"));
  }
}
