/**
 * The origin of the console in the addresses that commands print.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { CliError } from "effect/cli"
import { Settings } from "../../Config.ts"
import * as LocalUrl from "./LocalUrl.ts"
import * as Output from "./Output.ts"

/** The origin that `--base-url` names, or this machine's. Notes if the console is off in this environment. */
export const originOf = Effect.fnUntraced(function* (baseUrl: string | null) {
  if (baseUrl?.startsWith("/")) {
    return yield* new CliError.ValidationError({ message: "The flag --base-url must be an address, not a path." })
  }
  const settings = yield* Settings
  // The demo has its own default.
  if (Option.isSome(settings.databaseUrl) && !settings.console) {
    yield* Output.note("CONSOLE is off in this environment. The address works where the service runs with CONSOLE=on.")
  }
  return baseUrl ?? LocalUrl.ofConsole(settings)
})
