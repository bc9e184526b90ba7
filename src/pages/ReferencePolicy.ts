/**
 * The Content-Security-Policy of the pages that show an API reference. They are on the console's origin, so a script that someone
 * injects into Scalar's 3 MB of code would act with the reader's session. Pure.
 *
 * @module
 */
import { createHash } from "node:crypto"

const inlineScript = /<script(?:\s[^>]*)?>([\s\S]*?)<\/script>/g

const hashOf = (script: string): string => `'sha256-${createHash("sha256").update(script).digest("base64")}'`

/** Allows the scripts that the page contains, its styles and images, and requests to its own origin. */
export const policyOf = (html: string): string =>
  [
    "default-src 'none'",
    `script-src ${Array.from(html.matchAll(inlineScript), ([, script = ""]) => hashOf(script)).join(" ")}`,
    "style-src 'unsafe-inline'",
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
