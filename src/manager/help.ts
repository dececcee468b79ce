/** The manager's own help: every command with one example. */

/** What HELP prints, line by line. */
export const helpLines: readonly string[] = [
  "SHOW VMS                             all VMs: uuid and name",
  "SHOW VM uuid|name [DETAILS]          one VM; a uuid may be shortened while it stays unambiguous",
  "  SHOW VM 0a511f3b",
  '  SHOW VM "VM1 - Debian" DETAILS',
  "SHOW HOSTS                           all hosts: uuid and name",
  "SHOW HOST uuid|name [DETAILS]        one host",
  "  SHOW HOST Host1",
  "SHOW RULES HOST                      the rules that xcp-control balances hosts by",
  "CREATE RULE HOST                     asks for a new rule",
  "CREATE RULE HOST Subject > N         the same without questions; Subject is PifEth0RxKb, PifEth0TxKb,",
  "                                     OccupiedMemoryMb or CpuAverage",
  "  CREATE RULE HOST CpuAverage > 25",
  "DELETE RULE HOST                     asks for each rule whether to delete it",
  "DELETE RULE HOST Subject|ALL         the same without questions",
  "  DELETE RULE HOST CpuAverage",
  "SHOW POOL                            the pool's settings, and how much there is in it",
  "SHOW COLLECTION                      when xcp-collect ran last, and what it could read",
  "HELP                                 this list",
  "EXIT                                 leaves, as QUIT and Ctrl-D do",
  "Upper and lower case are the same, a ; at the end does no harm, lines that start with # or -- are comments.",
];
