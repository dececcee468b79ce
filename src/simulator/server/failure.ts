/** The one way in which the simulated pool says no: XAPI's ErrorDescription as an Error. */

/** A failure that a caller is answered with: `[code, ...params]`, all of them text. */
export class SimFailure extends Error {
  readonly code: string;
  readonly params: readonly string[];

  constructor(code: string, params: readonly string[] = []) {
    super(params.length === 0 ? code : `${code}(${params.join(", ")})`);
    this.name = "SimFailure";
    this.code = code;
    this.params = params;
  }
}

/** What a caller hears of anything thrown: a SimFailure as it is, anything else as INTERNAL_ERROR. */
export function toFailure(thrown: unknown): SimFailure {
  if (thrown instanceof SimFailure) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new SimFailure("INTERNAL_ERROR", [text]);
}
