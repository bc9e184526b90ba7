/**
 * Reads the rules of a form from a file.
 *
 * @module
 */
import { Effect, FileSystem, Result } from "effect"
import { Flag } from "effect/cli"
import * as FormRules from "../../forms/FormRules.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Inputs from "./Inputs.ts"
import * as Output from "./Output.ts"

/** The maximum length of a file, in UTF-16 units, including white space and escapes. */
const maxText = 16 * FormRules.limits.jsonLength

/** The maximum number of errors that are printed. */
const maxFaults = 10

const faultText = ({ message, path }: FormRules.Fault): string => {
  const [field, ...rest] = path
  if (field === undefined) return `the file ${message}`
  return `${[JSON.stringify(field), ...rest].join(".")} ${message}`
}

/** All errors in one sentence: the place of each, and what is allowed there. */
const faultsText = (faults: ReadonlyArray<FormRules.Fault>): string => {
  const more = faults.length > maxFaults ? [`and ${faults.length - maxFaults} more`] : []
  return [...faults.slice(0, maxFaults).map(faultText), ...more].join("; ")
}

const fail = (message: string) => new Output.CliFailure({ message: TerminalText.printable(message) })

const parse = (path: string, text: string): Effect.Effect<unknown, Output.CliFailure> =>
  Effect.try({
    try: (): unknown => JSON.parse(text.replace(/^\uFEFF/, "")),
    catch: (error) =>
      fail(`The file ${path} is not JSON: ${error instanceof Error ? error.message : "it cannot be parsed"}.`)
  })

/** Reads a file of rules. Fails with every error in it. */
export const read = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files
    .readFileString(path)
    .pipe(
      Effect.mapError(({ reason }) =>
        Inputs.wrong("rules", `the path of a JSON file that can be read${SystemErrorCode.suffix(reason.cause)}`)
      )
    )
  if (text.length > maxText) return yield* fail(`The file ${path} has more than ${maxText} characters; shorten it.`)
  return yield* Result.match(FormRules.read(yield* parse(path, text)), {
    onFailure: (error) =>
      Effect.fail(fail(`The rules in ${path} are wrong: ${faultsText(FormRules.faultsOfIssue(error.issue))}.`)),
    onSuccess: Effect.succeed
  })
})

export const flag = Flag.String("rules").pipe(
  Flag.withMetavar("<file>"),
  Flag.withDescription('The path of a JSON file with the rules, such as {"name": {"required": true, "max": 100}}')
)
