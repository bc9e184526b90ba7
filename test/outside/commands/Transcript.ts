/**
 * What commands print, with everything that differs between two runs replaced by text of the same width.
 *
 * @module
 */
import { Effect } from "effect"
import type * as Command from "../Command.ts"

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

const entryOf = (
  args: ReadonlyArray<string>,
  { code, stderr, stdout }: Pick<Command.Ended, "code" | "stdout" | "stderr">
): string =>
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

/** Runs a command to its end, in an environment that has only `env`. */
export type Run = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
) => Effect.Effect<Pick<Command.Ended, "code" | "stdout" | "stderr">>

/** What a transcript holds: what commands print with `--json`, or what they print to people. */
export type Form = "json" | "text"

type Document = Readonly<Record<string, string>>

export class Transcript {
  private readonly entries = new Map<string, Array<string>>()
  private readonly names: ReadonlyArray<string>
  private readonly runCommand: Run
  private readonly form: Form

  constructor(names: ReadonlyArray<string>, run: Run, form: Form) {
    this.names = names
    this.runCommand = run
    this.form = form
  }

  /** The commands that have run, each with what it printed. */
  get texts(): ReadonlyArray<readonly [command: string, text: string]> {
    return [...this.entries].map(([command, entries]) => [command, mask(entries.join("\n"))])
  }

  /** Commands with these settings. */
  in(env: Readonly<Record<string, string>>) {
    /** Runs a command, and records what it prints if the transcript holds this form. */
    const run = (form: Form, ...args: ReadonlyArray<string>) =>
      Effect.map(this.runCommand(args, env), (ended) => {
        if (form !== this.form) return ended
        const line = `${args.join(" ")} `
        const name = this.names.find((candidate) => line.startsWith(`${candidate} `)) ?? line
        this.entries.set(name, [...(this.entries.get(name) ?? []), entryOf(args, ended)])
        return ended
      })
    /** Runs a command with `--json`, and returns the document. */
    const document = <A = Document>(...args: ReadonlyArray<string>): Effect.Effect<A> =>
      Effect.map(run("json", ...args, "--json"), ({ stderr, stdout }) => {
        try {
          return JSON.parse(stdout) as A
        } catch {
          throw new Error(`${args.join(" ")} printed no JSON: ${stdout}${stderr}`)
        }
      })
    /** Runs a command for what it prints to people. Later commands do not need what it does. */
    const text = (...args: ReadonlyArray<string>) => (this.form === "text" ? run("text", ...args) : Effect.void)
    /** Runs a command with `--json`, for the document. Later commands do not need what it does. */
    const json = (...args: ReadonlyArray<string>) =>
      this.form === "json" ? run("json", ...args, "--json") : Effect.void
    /** Runs a command once, in the transcript's form. */
    const record = (...args: ReadonlyArray<string>) =>
      this.form === "text" ? run("text", ...args) : run("json", ...args, "--json")
    /** Runs a command that prints for programs without `--json`, or whose refusal is the same with it. */
    const plain = (...args: ReadonlyArray<string>) => (this.form === "json" ? run("json", ...args) : Effect.void)
    /** Runs a command that changes nothing, and returns the document. */
    const read = <A = Document>(...args: ReadonlyArray<string>): Effect.Effect<A> =>
      Effect.map(Effect.all([text(...args), run("json", ...args, "--json")], { concurrency: 2 }), ([, { stdout }]) =>
        JSON.parse(stdout)
      )
    /** Runs a command with `--json` that the transcript leaves out, and returns the document. */
    const prepare = (...args: ReadonlyArray<string>): Effect.Effect<Document> =>
      Effect.map(this.runCommand([...args, "--json"], env), ({ stdout }) => JSON.parse(stdout))
    return { document, json, plain, prepare, read, record, text }
  }
}
