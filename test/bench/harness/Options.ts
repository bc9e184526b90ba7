/**
 * What the bench can be asked for. Pure.
 *
 * @module
 */
import { parseArgs } from "node:util"

/** What can be measured, in the order in which it is. */
export const parts = ["rates", "latency", "start", "chat", "streams", "stored", "workers", "capacity"] as const
export type Part = (typeof parts)[number]

export interface Options {
  readonly parts: ReadonlyArray<Part>
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  /** How many page views stand in the full table. */
  readonly stored: number
  readonly quick: boolean
  /** A ref of git that the checkout is compared with, in place of the peers. */
  readonly against: string | undefined
  readonly profile: string | undefined
  /** Whether the table in the README and the picture are written. */
  readonly write: boolean
}

export const usage = `scripts/bench [--quick [--against REF]] [options]
  --quick            page views and submissions alone, in about two minutes
  --against REF      with --quick: this checkout against that commit or branch, in place of the peers
  --only PARTS       of ${parts.join(", ")}
  --rounds NUMBER    how often everything is measured
  --seconds NUMBER   how long each load lasts
  --connections NUMBER
  --stored NUMBER    how many page views stand in the full table (10000000)
  --profile FOLDER   page views on the service alone, its CPU profiles kept there and read out
  --write            put the table in test/bench/README.md and draw the picture; a run of everything does so anyway`

export type Parsed =
  | { readonly _tag: "Help" }
  | { readonly _tag: "Wrong"; readonly message: string }
  | { readonly _tag: "Run"; readonly options: Options }

const wrong = (message: string): Parsed => ({ _tag: "Wrong", message })

const isPart = (text: string): text is Part => (parts as ReadonlyArray<string>).includes(text)

const flags = {
  quick: { type: "boolean", default: false },
  against: { type: "string" },
  only: { type: "string" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  connections: { type: "string" },
  stored: { type: "string" },
  profile: { type: "string" },
  write: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false }
} as const

const values = (args: ReadonlyArray<string>) => parseArgs({ args: [...args], options: flags }).values

/** Reads the command line. */
export const parse = (args: ReadonlyArray<string>): Parsed => {
  let given: ReturnType<typeof values>
  try {
    given = values(args)
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
  if (given.help) return { _tag: "Help" }
  const { against, quick } = given
  if (against !== undefined && !quick) return wrong("--against goes with --quick.")
  // What begins with a dash would be an option of git's.
  if (against !== undefined && !/^[\w./@^~][\w./@^~-]*$/.test(against)) return wrong(`"${against}" is no ref of git.`)
  const only = given.only?.split(",").map((part) => part.trim())
  const unknown = only?.find((part) => !isPart(part))
  if (unknown !== undefined) return wrong(`There is no part "${unknown}"; there are ${parts.join(", ")}.`)
  const numbers: Record<string, number> = {}
  const defaults = {
    rounds: against !== undefined ? 4 : quick ? 2 : 5,
    seconds: against !== undefined ? 5 : quick ? 4 : 10,
    connections: 64,
    stored: 10_000_000
  }
  for (const name of ["rounds", "seconds", "connections", "stored"] as const) {
    const text = given[name]
    const number = text === undefined ? defaults[name] : Number(text)
    if (!Number.isSafeInteger(number) || number < 1) return wrong(`--${name} is a whole number, 1 or more.`)
    numbers[name] = number
  }
  const { connections = 64, rounds = 1, seconds = 1, stored = 1 } = numbers
  const chosen =
    only === undefined ? (quick ? (["rates"] as const) : parts) : parts.filter((part) => only.includes(part))
  return {
    _tag: "Run",
    options: {
      parts: chosen,
      rounds,
      seconds,
      connections,
      stored,
      quick,
      against,
      profile: given.profile,
      write: given.write || (!quick && only === undefined && given.profile === undefined)
    }
  }
}
