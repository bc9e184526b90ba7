/**
 * The scripts inside a page, as its Content-Security-Policy names them. The console and the API references are on the same origin,
 * so a script that someone injects there would act with the reader's session.
 *
 * @module
 */
import { createHash } from "node:crypto"

const inlineScript = /<script(?:\s[^>]*)?>([\s\S]*?)<\/script>/g

const hashOf = (script: string): string => `'sha256-${createHash("sha256").update(script).digest("base64")}'`

/** The sources of `script-src` that allow exactly the scripts that the page contains. */
export const sourcesOf = (html: string): string =>
  Array.from(html.matchAll(inlineScript), ([, script = ""]) => script)
    .filter((script) => script !== "")
    .map(hashOf)
    .join(" ")
