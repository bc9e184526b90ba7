/**
 * The URLs of the service, for commands that print one.
 *
 * @module
 */
import { Option } from "effect"
import type { Settings } from "../../Config.ts"
import * as DemoData from "../../demo/DemoData.ts"

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
