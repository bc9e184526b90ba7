/**
 * The links to the console that commands make: their origin, and when they expire.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { CliError } from "effect/cli"
import { Settings } from "../../Config.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import * as Inputs from "./Inputs.ts"
import * as Output from "./Output.ts"
import * as ServiceUrl from "./ServiceUrl.ts"

/** When a link expires, at most a week from now. Without the flag, `defaultMillis` from now. */
export const readExpires = (text: Option.Option<string>, now: number, defaultMillis: number) =>
  Inputs.readTime("expires", "a future time within a week, such as 1h or 2d", text, (value) =>
    Option.filter(Calendar.parseUntil(value, now), (time) => time <= now + ConsoleSession.limits.link)
  ).pipe(Effect.map((time) => time ?? now + defaultMillis))

/** The address that `--base-url` names, or `otherwise`. */
export const addressOf = (baseUrl: string | null, otherwise: string) =>
  // The path `/` is empty without its trailing slash.
  baseUrl === "" || baseUrl?.startsWith("/")
    ? Effect.fail(new CliError.ValidationError({ message: "The flag --base-url must be an address, not a path." }))
    : Effect.succeed(baseUrl ?? otherwise)

/** The origin that `--base-url` names, or the service's. Prints a note if the console is off in this environment. */
export const originOf = Effect.fnUntraced(function* (baseUrl: string | null) {
  const settings = yield* Settings
  const address = yield* addressOf(baseUrl, ServiceUrl.ofConsole(settings))
  // Without `DATABASE_URL` the command is for the demo, whose default for CONSOLE differs.
  if (Option.isSome(settings.databaseUrl) && !settings.console) {
    yield* Output.note("CONSOLE is off in this environment. The address works where the service runs with CONSOLE=on.")
  }
  return address
})
