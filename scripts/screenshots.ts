/**
 * Takes pictures of the console, a website's forms, the mails, the start page and the guides, and of a running demo with its
 * chat:
 *
 *     node scripts/screenshots.ts <folder> [--without-demo | <URL of the demo>] [--only <words>]
 *
 * The demo is a running `npm start`, by default at http://127.0.0.1:8080. `--without-demo` leaves out its pictures.
 * It ends: a picture whose page does not reach its state within a minute is named at the end, and the next is taken.
 * `--only inbox,rtl` takes only the pictures whose names contain one of the words. The pictures `readme` also
 * write `console.webp`, which the README and the start page show, and `console-dark.webp`; copy them to `src/docs`.
 *
 * @module
 */
import { parseArgs } from "node:util"

const usage = "node scripts/screenshots.ts <folder> [--without-demo | <URL of a running `npm start`>] [--only <words>]"

const fail = (message: string): never => {
  console.error(message)
  process.exit(1)
}

const readArguments = () => {
  const options = {
    "without-demo": { type: "boolean", default: false },
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
const skipsDemo = values["without-demo"]
const [folder = fail(`The folder is missing. Usage: ${usage}`), base = "http://127.0.0.1:8080"] = positionals

const hasDemo = async () =>
  await fetch(`${base}/demo`, { signal: AbortSignal.timeout(10_000) }).then(
    (response) => response.ok,
    () => false
  )
if (!skipsDemo && !(await hasDemo())) {
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
const begun = performance.now()
const take = await Take.into(folder, browser, values.only.split(","))
if (!skipsDemo) await Demo.takeAll(take, base)
await Console.takeAll(take)
await browser.close()
const { failed, taken } = take.outcome()
console.log(`${taken} pictures in ${Math.round((performance.now() - begun) / 1000)} s`)
if (failed.length > 0) console.error(`Not taken: ${failed.join(", ")}`)
// The connection that makes test databases stays open as long as the process.
process.exit(failed.length === 0 ? 0 : 1)
