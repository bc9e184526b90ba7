/**
 * What commands print, with everything that differs between two runs replaced by text of the same width.
 *
 * @module
 */
import { Effect } from "effect"
import * as Command from "../Command.ts"

/** Patterns, and what replaces their matches. */
const masks: ReadonlyArray<readonly [RegExp, (match: string) => string]> = [
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, () => "2000-01-01T00:00:00.000Z"],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/g, () => "2000-01-01 00:00:00"],
  [/\b\d{4}-\d\d-\d\d\b/g, () => "2000-01-01"],
  [/\b(?:h[a-z]{2}|whsec)_[\w+/=-]{20,}/g, (secret) => `${secret.split("_")[0]}_${"x".repeat(12)}`],
  [/(?<=#\/(?:link|share)\/)[\w-]+/g, () => "xxx"],
  [/\b[0-9a-f]{32}\b/g, () => "0".repeat(32)],
  [/(?<=127\.0\.0\.1:)\d{5}\b/g, () => "47110"],
  [/(?<=in )\d+ minutes\b/g, () => "10 minutes"],
  [/\b\d+(?= ms\b)/g, () => "1"],
  [/(?<="millis": |milliseconds {2})\d+/g, () => "1"],
  [/(?<=UTC {2}204 {5})\d+ */g, () => "1"],
  [/(?<=PostgreSQL at )[^,]+(?=, on this machine)/g, () => "the test's server"],
  [/(?<=open |to )\d+(?= files| connections)/g, () => "1000"],
  [/(?<=ON DATABASE )\w+/g, () => "edge"],
  [/\S*\/hydracore-commands-\w+\//g, () => ""]
]

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g

/** Replaces ids by numbered ones, so that equal ids stay equal, and the other varying parts by constants. */
export const mask = (text: string): string => {
  const ids = new Map<string, string>()
  const numbered = text.replace(uuid, (id) => {
    const known = ids.get(id) ?? `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, "0")}`
    ids.set(id, known)
    return known
  })
  return masks.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), numbered)
}

/** JSON with a line for each member, and any other text unchanged. */
const pretty = (text: string): string => {
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n`
  } catch {
    return text
  }
}

const quoted = (arg: string): string => (/^[\w./:@,=-]+$/.test(arg) ? arg : `'${arg}'`)

const entryOf = (args: ReadonlyArray<string>, { code, stderr, stdout }: Command.Ended): string =>
  [
    `$ hydracore ${args.map(quoted).join(" ")}\n`,
    args.includes("--json") ? pretty(stdout) : stdout,
    ...(stderr === "" ? [] : [`-- standard error:\n${stderr}`]),
    ...(code === 0 ? [] : [`-- exit code ${code}\n`])
  ].join("")

/** The names of the commands, from the completions that the program prints for a shell. */
export const commandNames = (completions: string): ReadonlyArray<string> => {
  const names = [...completions.matchAll(/^_hydracore_(\w+)\(\)$/gm)].map(([, name]) => `${name}`)
  return names
    .filter((name) => !names.some((other) => other.startsWith(`${name}_`)))
    .map((name) => name.replaceAll("_", " "))
}

export class Transcript {
  private readonly entries = new Map<string, Array<string>>()
  private readonly names: ReadonlyArray<string>

  constructor(names: ReadonlyArray<string>) {
    this.names = names
  }

  /** The commands that have run, each with what it printed. */
  get texts(): ReadonlyArray<readonly [command: string, text: string]> {
    return [...this.entries].map(([command, entries]) => [command, mask(entries.join("\n"))])
  }

  /** Commands with these settings. */
  in(env: Readonly<Record<string, string>>) {
    const add = (args: ReadonlyArray<string>, ended: Command.Ended) => {
      const line = `${args.join(" ")} `
      const name = this.names.find((candidate) => line.startsWith(`${candidate} `)) ?? line
      this.entries.set(name, [...(this.entries.get(name) ?? []), entryOf(args, ended)])
    }
    /** Runs a command, and records what it prints. */
    const run = (...args: ReadonlyArray<string>) =>
      Effect.tap(Command.run(args, env), (ended) => Effect.sync(() => add(args, ended)))
    /** Runs a command with `--json`, and returns the document. */
    const json = <A = Readonly<Record<string, string>>>(...args: ReadonlyArray<string>): Effect.Effect<A> =>
      Effect.map(run(...args, "--json"), ({ stderr, stdout }) => {
        try {
          return JSON.parse(stdout) as A
        } catch {
          throw new Error(`${args.join(" ")} printed no JSON: ${stdout}${stderr}`)
        }
      })
    /** Runs a command that changes nothing with and without `--json` at once, and returns the document. */
    const both = <A = Readonly<Record<string, string>>>(...args: ReadonlyArray<string>): Effect.Effect<A> =>
      Effect.map(
        Effect.all([Command.run(args, env), Command.run([...args, "--json"], env)], { concurrency: 2 }),
        ([text, document]) => {
          add(args, text)
          add([...args, "--json"], document)
          return JSON.parse(document.stdout || "null") as A
        }
      )
    return { run, json, both }
  }
}
