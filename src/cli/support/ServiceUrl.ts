/**
 * The URLs of the service for commands that print one, and when links to the console expire.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { CliError } from "effect/cli"
import { Settings } from "../../Config.ts"
import * as DemoData from "../../demo/DemoData.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import * as Inputs from "./Inputs.ts"
import * as Output from "./Output.ts"

/** The URL of a server. One that listens on all addresses is reachable on the loopback address. */
const urlOf = (host: string, port: number): string => {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`
}

/** The URL for visitors: `PUBLIC_URL`, else the demo's if the command uses the demo's database, else this machine's. */
export const ofVisitors = (settings: Settings): string =>
  Option.getOrElse(
    settings.publicUrl,
    () =>
      (Option.isSome(settings.databaseUrl) ? undefined : Option.getOrUndefined(DemoData.read(settings.dataDir)))
        ?.base_url ?? urlOf(settings.host, settings.port)
  )

/** The URL of the console: on `OWNER_PORT` if that is set, because `PUBLIC_URL` does not lead there. */
export const ofConsole = (settings: Settings): string =>
  Option.match(settings.ownerPort, {
    onNone: () => ofVisitors(settings),
    onSome: (port) => urlOf(settings.ownerHost, port)
  })

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
  const address = yield* addressOf(baseUrl, ofConsole(settings))
  // Without `DATABASE_URL` the command is for the demo, whose default for CONSOLE differs.
  if (Option.isSome(settings.databaseUrl) && !settings.console) {
    yield* Output.note("CONSOLE is off in this environment. The address works where the service runs with CONSOLE=on.")
  }
  return address
})
