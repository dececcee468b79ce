/** What the tests use of npm xen-api, which brings no types. */
declare module "xen-api" {
  /** An object of the pool; `$field` follows a ref. */
  interface PoolObject {
    readonly $type: string;
    readonly name_label: string;
    readonly resident_VMs: readonly string[];
    readonly $resident_on: PoolObject;
  }

  interface Client {
    readonly pool: { readonly master: string };
    readonly objects: { readonly all: Readonly<Record<string, PoolObject>> };
    readonly objectsFetched: Promise<void>;
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    getObjectByRef(ref: string): PoolObject;
    barrier(ref: string | undefined): Promise<unknown>;
    call(method: string, ...args: readonly unknown[]): Promise<unknown>;
    callAsync(method: string, ...args: readonly unknown[]): Promise<unknown>;
    /** A GET; `task` rejects with what the task of it ended with. */
    getResource(
      path: string,
      options: { readonly query?: Readonly<Record<string, string>>; readonly task?: true },
    ): Promise<{ readonly body: { text(): Promise<string> }; readonly task?: Promise<unknown> }>;
  }

  export function createClient(options: {
    readonly url: string;
    readonly auth: { readonly user: string; readonly password: string };
    readonly allowUnauthorized?: boolean;
  }): Client;
}
