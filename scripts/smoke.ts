/**
 * Looks at a running service as a newcomer does, and as an adversary does first: `node scripts/smoke.ts`, or with `--help`.
 * It says what it saw, one line for each check, and ends with exit code 1 if anything was not as published.
 *
 * It stores a few page views and submissions on the demo website and uses up a part of this minute's limits. It speaks HTTP
 * and nothing else: it imports nothing of the service. Tokens are not printed.
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import path from "node:path"
import { parseArgs } from "node:util"
import { type Check, checks, limitCheck, type Target } from "./smoke/Checks.ts"
import { isRecord, parseJson, Unexpected } from "./smoke/ResponseReaders.ts"

const usage = `node scripts/smoke.ts [--demo FILE] [--url ADDRESS] [--limits]
  --demo FILE     what \`npm start\` wrote about its demo website (demo.json in HYDRACORE_DATA_DIR, or in .hydracore)
  --url ADDRESS   where the service listens, if not where FILE says
  --limits        at last, submit forms until one is refused; this address then has to wait for up to a minute`

const readTarget = async (file: string, url: string | undefined): Promise<Target> => {
  const text = await readFile(file, "utf8").catch(() => {
    throw new Unexpected(`${file} cannot be read. Start the service with \`npm start\`, or name the file with --demo.`)
  })
  const content = parseJson(text)
  const read = (field: keyof Target): string => {
    const value = isRecord(content) ? content[field] : undefined
    if (typeof value !== "string" || value === "") throw new Unexpected(`${file} has no ${field}.`)
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

/** What a service says, on one line and without what moves a terminal's cursor. */
const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim()

/** Makes a check and says what it saw. Whether it was as published. */
const run = async ([name, look]: Check): Promise<boolean> => {
  try {
    console.log(`ok    ${name}: ${oneLine(await look())}`)
    return true
  } catch (error) {
    console.log(`FAIL  ${name}: ${oneLine(error instanceof Unexpected ? error.message : String(error))}`)
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
  // Where nobody answers, the other checks would all say the same.
  if (first === undefined || !(await run(first))) return false
  let failed = 0
  for (const check of rest) if (!(await run(check))) failed++
  if (!values.limits) console.log("--    the rate limit was not tried; --limits does")
  console.log(failed === 0 ? `All ${rest.length + 1} checks passed.` : `${failed} of ${rest.length + 1} checks failed.`)
  return failed === 0
}

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
