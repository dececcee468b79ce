/** docs/errors.md, made from the table of codes. */
import { type CodeClass, migrationErrors } from "../../src/xapi/migrationErrors.ts";

const classes: Readonly<Record<CodeClass, { readonly title: string; readonly meaning: string }>> = {
  pair: {
    title: "This VM on this host",
    meaning:
      "The run moves the VM elsewhere, or another VM. After a migration that was begun, the pair rests for `ControlFailedVmMinutes`.",
  },
  path: {
    title: "Something broke on the way",
    meaning:
      "Taken for a matter of the pair, as above, until more is known. When a second VM fails towards the same host, the host is the suspect: nothing more is moved to it by this run, nor within `ControlFailedVmMinutes` after, unless a VM has reached it since; its VMs may leave it, and the VMs that failed do not rest. When one VM fails towards a second host, it is the VM that rests. The breaker counts such failures once for each suspect. A code that stands in none of these tables is treated so, and so is a migration that took longer than its time and was cancelled.",
  },
  vm: {
    title: "This VM",
    meaning:
      "The run moves another VM. After a migration that was begun, the VM rests for `ControlFailedVmMinutes`, twice as long after each further failure.",
  },
  later: {
    title: "This moment",
    meaning: "The VM is left alone by this run; the next one sees.",
  },
  host: {
    title: "The destination",
    meaning: "Nothing more is moved to it by this run.",
  },
  pool: {
    title: "Every migration",
    meaning: "The run ends, with the reason.",
  },
};

export function errorsPage(): string {
  const sections = (Object.keys(classes) as CodeClass[]).map((name) => {
    const { title, meaning } = classes[name];
    const rows = Object.entries(migrationErrors[name]).map(([code, reason]) => {
      const [plain, about] = code.split(" ");
      return `| \`${plain}\`${about === undefined ? "" : `, of a ${about}`} | ${reason} |`;
    });
    return `## ${title}\n\n${meaning}\n\n| code | what it says |\n|---|---|\n${rows.join("\n")}\n`;
  });
  return `# The codes that a migration ends with\n\n${intro}\n\n${sections.join("\n")}`;
}

const intro = `A pool that refuses a migration, or breaks one off, says why by a code. What \`xcp-control\` makes of it depends on what the
code speaks of: the VM, the destination, the two together, or the whole pool. Where the VM is decides whether it was moved, never
the code. This page is made from the table in \`src/xapi/migrationErrors.ts\`.`;
