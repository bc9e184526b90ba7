/** Reads settings from environment variables. */
import { ConfigProvider, Effect } from "effect"
import { Settings } from "../../src/Config.ts"

export const read = (environment: Record<string, string>) =>
  Effect.exit(
    Settings.pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment)))
  )
