/**
 * The command line of the bench. Pure.
 *
 * @module
 */
import { parseArgs } from "node:util"
import { type Endpoint, endpoints } from "./Comparison.ts"

/** The parts of a run, in their order. */
export const parts = [
  "rates",
  "latency",
  "start",
  "chat",
  "streams",
  "stored",
  "reports",
  "day",
  "console",
  "stores",
  "workers",
  "capacity",
  "webhooks",
  "websites"
] as const
export type Part = (typeof parts)[number]

export interface Options {
  readonly parts: ReadonlyArray<Part>
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  /** The number of page views in the prefilled table. */
  readonly stored: number
  /** The number of page views that reports are made of. */
  readonly reported: number
  /** The number of websites in the part of this name. */
  readonly websites: number
  /** A folder that keeps the page views of the reports for later runs of this day. */
  readonly data: string | undefined
  readonly quick: boolean
  /** A git revision that the checkout is compared with, instead of the peers. */
  readonly against: string | undefined
  /** The endpoints that are compared with that revision. */
  readonly endpoints: ReadonlyArray<Endpoint>
  readonly profile: string | undefined
  /** Whether the results of the parts are written to the README. */
  readonly write: boolean
}

export const usage = `npm run bench -- [--quick [--against REVISION [--endpoints NAMES]]] [options]
  --quick               only page views and submissions; about five minutes
  --against REVISION    with --quick: compare this checkout with a git revision; about five minutes
                        with --only websites: measure this part of both
  --endpoints NAMES     with --against: only some of ${endpoints.join(", ")}
  --only PARTS          only some of ${parts.join(", ")}
  --rounds NUMBER       how many times everything is measured
  --seconds NUMBER      the duration of each load
  --connections NUMBER  of the load (64)
  --stored NUMBER       page views in the prefilled table (10000000)
  --reported NUMBER     page views in the year of the reports, the day and the console (20000000)
  --websites NUMBER     the number of websites in the part of this name (40000)
  --data FOLDER         keep the page views of the reports in FOLDER, and use those that an earlier run of this day kept there
  --profile FOLDER      only page views on the service; keeps its CPU profiles in FOLDER and prints where the time goes
  --write               write the results of these parts to scripts/bench/README.md; a full run always does, and draws the chart`

export type Parsed =
  | { readonly _tag: "Help" }
  | { readonly _tag: "Invalid"; readonly message: string }
  | { readonly _tag: "Run"; readonly options: Options }

const invalid = (message: string): Parsed => ({ _tag: "Invalid", message })

const flags = {
  quick: { type: "boolean", default: false },
  against: { type: "string" },
  endpoints: { type: "string" },
  only: { type: "string" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  connections: { type: "string" },
  stored: { type: "string" },
  reported: { type: "string" },
  websites: { type: "string" },
  data: { type: "string" },
  profile: { type: "string" },
  write: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false }
} as const

const values = (args: ReadonlyArray<string>) => parseArgs({ args: [...args], options: flags }).values

/** The names in a comma-separated list, in the order of `all`. If some are not in `all`, returns the first of those instead. */
const select = <A extends string>(
  all: ReadonlyArray<A>,
  list: string
): ReadonlyArray<A> | { readonly unknown: string } => {
  const selected = list.split(",").map((name) => name.trim())
  const unknown = selected.find((name) => !(all as ReadonlyArray<string>).includes(name))
  return unknown === undefined ? all.filter((name) => selected.includes(name)) : { unknown }
}

const readNumbers = (given: ReturnType<typeof values>) => {
  const { against, quick } = given
  const defaults = {
    rounds: against !== undefined && quick ? 4 : quick ? 2 : 5,
    seconds: against !== undefined && quick ? 1 : quick ? 4 : 10,
    connections: 64,
    stored: 10_000_000,
    reported: 20_000_000,
    websites: 40_000
  }
  const read = (name: keyof typeof defaults) => (given[name] === undefined ? defaults[name] : Number(given[name]))
  return {
    rounds: read("rounds"),
    seconds: read("seconds"),
    connections: read("connections"),
    stored: read("stored"),
    reported: read("reported"),
    websites: read("websites")
  }
}

/** Parses the arguments. */
export const parse = (args: ReadonlyArray<string>): Parsed => {
  let given: ReturnType<typeof values>
  try {
    given = values(args)
  } catch (error) {
    return invalid(error instanceof Error ? error.message : String(error))
  }
  if (given.help) return { _tag: "Help" }
  const { against, only, profile, quick } = given
  if (against !== undefined && !quick && only !== "websites") {
    return invalid("--against needs --quick, or --only websites.")
  }
  if (given.endpoints !== undefined && against === undefined) return invalid("--endpoints needs --against.")
  // git would read a leading dash as an option.
  if (against !== undefined && !/^[\w./@^~][\w./@^~-]*$/.test(against)) {
    return invalid(`"${against}" is not a git revision.`)
  }
  const chosenParts = only === undefined ? (quick ? (["rates"] as const) : parts) : select(parts, only)
  if ("unknown" in chosenParts) {
    return invalid(`There is no part "${chosenParts.unknown}". The parts are ${parts.join(", ")}.`)
  }
  const chosenEndpoints = given.endpoints === undefined ? endpoints : select(endpoints, given.endpoints)
  if ("unknown" in chosenEndpoints) {
    return invalid(`There is no endpoint "${chosenEndpoints.unknown}". The endpoints are ${endpoints.join(", ")}.`)
  }
  const numbers = readNumbers(given)
  const wrong = Object.entries(numbers).find(([, number]) => !Number.isSafeInteger(number) || number < 1)
  if (wrong !== undefined) return invalid(`--${wrong[0]} must be a whole number, 1 or more.`)
  return {
    _tag: "Run",
    options: {
      parts: chosenParts,
      endpoints: chosenEndpoints,
      ...numbers,
      quick,
      against,
      data: given.data,
      profile,
      write: given.write || (!quick && only === undefined && profile === undefined)
    }
  }
}
