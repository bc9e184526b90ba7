/**
 * Takes pictures of the console, of websites' forms, mails and the start page, and of a running demo and its chat:
 *
 *     node scripts/screenshots.ts <folder> [--console | URL of a running `npm start`, http://127.0.0.1:8080] [--only <words>]
 *
 * `--console` takes those that need no demo, and `--only inbox,rtl` those whose names have one of the
 * words. `console.webp` is the README's picture; copy it to `src/docs`.
 *
 * @module
 */
import { parseArgs } from "node:util"

const usage =
  "node scripts/screenshots.ts <folder> [--console | URL of a running `npm start`, http://127.0.0.1:8080] [--only <words>]"

const fail = (message: string): never => {
  console.error(message)
  process.exit(1)
}

const readArguments = () => {
  const options = {
    console: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
    only: { type: "string", default: "" }
  } as const
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    return fail(`${error instanceof Error ? error.message.split(".")[0] : error}. Usage: ${usage}`)
  }
}
const { positionals, values } = readArguments()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const isConsole = values.console
const [folder = fail(`The folder is missing. Usage: ${usage}`), base = "http://127.0.0.1:8080"] = positionals

const hasDemo = async () =>
  await fetch(`${base}/demo`, { signal: AbortSignal.timeout(10_000) }).then(
    (response) => response.ok,
    () => false
  )
if (!isConsole && !(await hasDemo())) {
  fail(`No demo runs at ${base}. Start it with \`npm start\`, or give its URL after the folder.`)
}

// These modules load the whole service, so the arguments are checked first.
const [Console, Demo, Take] = await Promise.all([
  import("./screenshots/Console.ts"),
  import("./screenshots/Demo.ts"),
  import("./screenshots/Take.ts")
])
const browser = await Take.launch().catch(() =>
  fail("Chromium did not start. Install it, or set CHROMIUM_PATH to its program.")
)
const take = await Take.into(folder, browser, values.only.split(","))
if (!isConsole) await Demo.takeAll(take, base)
await Console.takeAll(take)
await browser.close()
