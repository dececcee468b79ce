/** What `xe` does on the pool's master, over XAPI: a session, calls, and documents that the master streams. */

export interface XeConsole {
  readonly call: (method: string, ...args: readonly unknown[]) => Promise<unknown>;
  /** The text of GET `path`. */
  readonly fetched: (path: string, query: Readonly<Record<string, string>>) => Promise<string>;
  /** The object of a class with that name. */
  readonly find: (cls: "VM" | "host", name: string) => Promise<string>;
  readonly nameOf: (cls: "VM" | "host", ref: string) => Promise<string>;
}

/** @throws Error with XAPI's words where a call fails. */
export async function openConsole(at: {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}): Promise<XeConsole> {
  const raw = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const response = await fetch(`${at.url}/jsonrpc`, {
      method: "POST",
      body: JSON.stringify({ jsonrpc: "2.0", method, params, id: 1 }),
    });
    const answer = (await response.json()) as {
      result?: unknown;
      error?: { message: string; data: unknown };
    };
    if (answer.error === undefined) return answer.result;
    throw new Error(`${method}: ${answer.error.message} ${JSON.stringify(answer.error.data)}`);
  };
  const session = await raw("session.login_with_password", [at.user, at.password, "1.0", "demo"]);
  const call: XeConsole["call"] = (method, ...args) => raw(method, [session, ...args]);
  return {
    call,
    fetched: async (path, query) => {
      const all = new URLSearchParams({ session_id: String(session), ...query });
      return (await fetch(`${at.url}${path}?${all}`)).text();
    },
    find: async (cls, name) => {
      const [ref] = (await call(`${cls}.get_by_name_label`, name)) as string[];
      if (ref === undefined) throw new Error(`the pool has no ${cls} ${name}`);
      return ref;
    },
    nameOf: async (cls, ref) => String(await call(`${cls}.get_name_label`, ref)),
  };
}
