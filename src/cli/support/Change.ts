/**
 * What an update asks for: what was given is changed, what was not stays, and asking for nothing is a mistake.
 *
 * @module
 */
import { Effect } from "effect"
import { CliError } from "effect/cli"
import * as Inputs from "./Inputs.ts"

/**
 * What is to become of something that may be taken off: `undefined` if nothing was said of it, `bare` if the flag that
 * takes it off was given, and else what was given.
 */
export const changeTo = <A, B>(
  given: { readonly flag: string; readonly value: A | undefined },
  off: { readonly flag: string; readonly isGiven: boolean; readonly bare: B }
): Effect.Effect<A | B | undefined, CliError.CliError> =>
  off.isGiven && given.value !== undefined
    ? Effect.fail(Inputs.wrong(off.flag, `left out where --${given.flag} is given`))
    : Effect.succeed(off.isGiven ? off.bare : given.value)

/** The origins that an update asks for, or `undefined` if it says nothing of them. */
export const originsToBe = (origins: ReadonlyArray<string>, isAny: boolean) =>
  changeTo<ReadonlyArray<string>, ReadonlyArray<string>>(
    { flag: "origin", value: origins.length === 0 ? undefined : origins },
    { flag: "any-origin", isGiven: isAny, bare: [] }
  )

/** Fails, with the flags that could have been given, if an update asks for nothing. Else it gives what was asked for. */
export const asked = <A extends object>(
  change: { readonly [K in keyof A]: A[K] | undefined },
  flags: ReadonlyArray<string>
): Effect.Effect<A, CliError.CliError> => {
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? Effect.fail(
        new CliError.ValidationError({
          message: `Nothing to change was given; give at least one of ${flags.map((flag) => `--${flag}`).join(", ")}.`
        })
      )
    : Effect.succeed(Object.fromEntries(given) as A)
}
