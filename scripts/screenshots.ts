/**
 * Takes pictures of the console, and of a running demo and its chat:
 *
 *     node scripts/screenshots.ts <folder> [--console | URL of a running `npm start`, http://127.0.0.1:8080]
 *
 * `--console` takes those of the console alone, which need no demo. `console.webp` is the README's picture; copy it to `src/docs`.
 *
 * @module
 */
const usage = "node scripts/screenshots.ts <folder> [--console | URL of a running `npm start`, http://127.0.0.1:8080]"

const fail = (message: string): never => {
  console.error(message)
  process.exit(1)
}

const args = process.argv.slice(2)
if (args.includes("--help") || args.includes("-h")) {
  console.log(usage)
  process.exit(0)
}
const isConsole = args.includes("--console")
const flag = args.find((arg) => arg.startsWith("-") && arg !== "--console")
if (flag !== undefined) fail(`Unknown flag ${flag}. Usage: ${usage}`)
const [folder = fail(`The folder is missing. Usage: ${usage}`), base = "http://127.0.0.1:8080"] = args.filter(
  (arg) => arg !== "--console"
)

const hasDemo = async () =>
  await fetch(`${base}/demo`, { signal: AbortSignal.timeout(10_000) }).then(
    (response) => response.ok,
    () => false
  )
if (!isConsole && !(await hasDemo())) {
  fail(`No demo runs at ${base}. Start it with \`npm start\`, or give its URL after the folder.`)
}

// Loaded after the arguments are checked: they load the whole service.
const [Console, Demo, Take] = await Promise.all([
  import("./screenshots/Console.ts"),
  import("./screenshots/Demo.ts"),
  import("./screenshots/Take.ts")
])
const browser = await Take.launch().catch(() =>
  fail("Chromium did not start. Install it, or set CHROMIUM_PATH to its program.")
)
const take = await Take.into(folder, browser)
if (!isConsole) await Demo.takeAll(take, base)
await Console.takeAll(take)
await browser.close()
