/**
 * Checks a running service against its published contract: `node scripts/smoke.ts`. `--help` lists the options. Prints one
 * line for each check, and exits with code 1 if any failed.
 *
 * It stores a few page views, submissions and chat messages of the demo website, and uses part of the current minute's rate
 * limits. It uses only HTTP and imports nothing of the service. It prints no tokens.
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import path from "node:path"
import { parseArgs } from "node:util"
import { type Check, checks, limitCheck } from "./smoke/Checks.ts"
import type { Target } from "./smoke/Client.ts"
import { CheckFailed, isRecord, parseJson } from "./smoke/ResponseReaders.ts"

const usage = `node scripts/smoke.ts [--demo FILE] [--url URL] [--limits]
  --demo FILE   what \`npm start\` wrote about its demo website (demo.json in HYDRACORE_DATA_DIR, or in .hydracore)
  --url URL     the URL of the service, if it differs from the one in FILE
  --limits      finally, submit forms until the rate limit refuses one; submissions are then refused for up to a minute`

const readTarget = async (file: string, url: string | undefined): Promise<Target> => {
  const text = await readFile(file, "utf8").catch(() => {
    throw new CheckFailed(`${file} cannot be read. Start the service with \`npm start\`, or give the file with --demo.`)
  })
  const content = parseJson(text)
  const read = (field: keyof Target): string => {
    const value = isRecord(content) ? content[field] : undefined
    if (typeof value !== "string" || value === "") throw new CheckFailed(`${file} has no ${field}.`)
    return value
  }
  return {
    base_url: (url ?? read("base_url")).replace(/\/+$/, ""),
    website_config_id: read("website_config_id"),
    tracking_token: read("tracking_token"),
    instance_id: read("instance_id"),
    widget_token: read("widget_token")
  }
}

/** Text from the service on one line, without control characters. */
const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim()

/** Runs a check and prints its result. Returns whether it passed. */
const run = async ([name, check]: Check): Promise<boolean> => {
  try {
    console.log(`ok    ${name}: ${oneLine(await check())}`)
    return true
  } catch (error) {
    console.log(`FAIL  ${name}: ${oneLine(error instanceof CheckFailed ? error.message : String(error))}`)
    return false
  }
}

const main = async (): Promise<boolean> => {
  const { values } = parseArgs({
    options: {
      demo: { type: "string", default: path.join(process.env["HYDRACORE_DATA_DIR"] || ".hydracore", "demo.json") },
      url: { type: "string" },
      limits: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false }
    }
  })
  if (values.help) {
    console.log(usage)
    return true
  }
  const target = await readTarget(values.demo, values.url)
  const [first, ...rest] = [...checks(target), ...(values.limits ? [limitCheck(target)] : [])]
  // If the service does not answer, all other checks would fail in the same way.
  if (first === undefined || !(await run(first))) return false
  let failed = 0
  for (const check of rest) if (!(await run(check))) failed++
  if (!values.limits) console.log("--    the rate limit was not checked; use --limits")
  console.log(failed === 0 ? `All ${rest.length + 1} checks passed.` : `${failed} of ${rest.length + 1} checks failed.`)
  return failed === 0
}

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
