/** A page that stands alone: no script, nothing that is fetched, and a policy that forbids both. Pure. */
import { type Content, html, Markup } from "./html.ts";
import { styleSheet } from "./style.ts";

/** What browsers hold the page to, whatever a name in it may try. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

/** The file's text. */
export function pageText(title: string, body: Content): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${Markup.trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${Markup.trusted(styleSheet)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}
