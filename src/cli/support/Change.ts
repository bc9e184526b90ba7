/**
 * The changes of an update command. Settings without a flag stay as they are; an update without changes is an error.
 *
 * @module
 */
import { Effect } from "effect"
import { CliError } from "effect/cli"
import * as Inputs from "./Inputs.ts"

/**
 * The change of an optional setting: `undefined` without a flag, `cleared` if the flag that clears it was given, and
 * otherwise the given value.
 */
export const changeTo = <A, B>(
  given: { readonly flag: string; readonly value: A | undefined },
  clearing: { readonly flag: string; readonly isGiven: boolean; readonly cleared: B }
): Effect.Effect<A | B | undefined, CliError.CliError> =>
  clearing.isGiven && given.value !== undefined
    ? Effect.fail(Inputs.wrong(clearing.flag, `left out when --${given.flag} is given`))
    : Effect.succeed(clearing.isGiven ? clearing.cleared : given.value)

/** The new origins, or `undefined` if they stay as they are. */
export const originsToBe = (origins: ReadonlyArray<string>, isAny: boolean) =>
  changeTo<ReadonlyArray<string>, ReadonlyArray<string>>(
    { flag: "origin", value: origins.length === 0 ? undefined : origins },
    { flag: "any-origin", isGiven: isAny, cleared: [] }
  )

/** The changed settings. If there are none, fails with a message that names the command, whose help lists the flags. */
export const require = <A extends object>(
  change: { readonly [K in keyof A]: A[K] | undefined },
  command: string
): Effect.Effect<A, CliError.CliError> => {
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? Effect.fail(
        new CliError.ValidationError({
          message: `No change was given; \`${command} --help\` lists the flags.`
        })
      )
    : Effect.succeed(Object.fromEntries(given) as A)
}
