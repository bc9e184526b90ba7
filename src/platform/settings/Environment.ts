/**
 * The environment: settings in files, and variables that are probably misspelt settings. The setting `NAME` is read from the file
 * that the variable `NAME_FILE` names, if `NAME` itself is unset: Docker and Kubernetes mount secrets as such files.
 *
 * @module
 */
import { ConfigProvider, Effect, FileSystem, type Layer } from "effect"

/** The maximum size of a file, in bytes. */
const maxBytes = 65_536

/** The variable that may name a setting's file. */
export const variableOf = (name: string): string => `${name}_FILE`

const fail = (message: string) => Effect.fail(new ConfigProvider.SourceError({ message }))

/** The content of a file without its trailing newline. A blank file is an error. */
const read = Effect.fnUntraced(
  function* (fileSystem: FileSystem.FileSystem, variable: string, file: string) {
    const { size, type } = yield* fileSystem.stat(file)
    if (type === "Directory") return yield* fail(`${variable} names a folder; it must name a file.`)
    if (size > maxBytes) return yield* fail(`${variable} names a file of more than ${maxBytes} bytes.`)
    const content = yield* fileSystem.readFileString(file)
    // The secret may not be written yet. If the setting counted as unset, a protection could be off unnoticed.
    if (content.trim() === "") return yield* fail(`${variable} names an empty file.`)
    return content.replace(/\r?\n$/, "")
  },
  (content, _, variable) =>
    Effect.catchTag(content, "PlatformError", ({ reason }) =>
      fail(
        reason._tag === "NotFound"
          ? `${variable} names a file that does not exist.`
          : `${variable} names a file that this process cannot read.`
      )
    )
)

/** Adds the files to a provider. A setting that has both a value and a file is an error, because one would be ignored. */
export const make = (
  variables: ConfigProvider.ConfigProvider,
  fileSystem: FileSystem.FileSystem
): ConfigProvider.ConfigProvider =>
  ConfigProvider.make(
    Effect.fnUntraced(function* (path) {
      const own = yield* variables.load(path)
      const [name] = path
      if (path.length !== 1 || typeof name !== "string") return own
      const variable = variableOf(name)
      const file = (yield* variables.load([variable]))?.value?.trim()
      if (file === undefined || file === "") return own
      if (own?.value !== undefined && own.value.trim() !== "") {
        return yield* fail(`${name} and ${variable} are both set; remove one of them.`)
      }
      return ConfigProvider.makeValue(yield* read(fileSystem, variable, file))
    })
  )

/** The environment and the files that it names. */
export const layer: Layer.Layer<never, never, FileSystem.FileSystem> = ConfigProvider.layer(
  FileSystem.FileSystem.useSync((fileSystem) => make(ConfigProvider.fromEnv(), fileSystem))
)

/** A variable that has no effect, and the setting that it may be meant to be. */
export interface UnknownSetting {
  readonly name: string
  readonly suggestion: string | null
}

/** Prefixes that other programs hardly use. Those such as `DATABASE_` and `REDIS_` are common. */
const ownPrefix = /^(CHAT|CONNECTIONS_PER|HYDRACORE|OWNER|RATE_LIMIT|RETENTION)_/

/** Variables that Kubernetes sets in every container, for each service of the namespace. There may be thousands. */
const fromKubernetes = /_SERVICE_(HOST|PORT)(_|$)|_PORT_[0-9]+_(TCP|UDP|SCTP)(_|$)/

/** Kubernetes also sets `<service>_PORT`, and an instance may name a variable as the one of its agent's key. */
const maybeOther = /_(PORT|(KEY|TOKEN|SECRET)(_FILE)?)$/

/** The number of characters to insert, delete, replace or swap with their neighbour to turn one text into another. */
export const distance = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= a.length; row++) {
    const cells = [row]
    const above = rows[row - 1] ?? []
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      cells.push(
        Math.min(
          (above[column] ?? 0) + 1,
          (cells[column - 1] ?? 0) + 1,
          (above[column - 1] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (rows[row - 2]?.[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
        )
      )
    }
    rows.push(cells)
  }
  return rows[a.length]?.[b.length] ?? 0
}

/** In a short name, two mistakes can make any other word. In a long one, three are one word in the singular (`TRUSTED_PROXY`). */
const maxDistance = (setting: string): number => (setting.length < 8 ? 1 : setting.length < 15 ? 2 : 3)

/**
 * The variables that are none of `settings`, and are nearly the name of one that is not set, or have a prefix that only this
 * service uses. Letter case counts as no mistake when names are compared.
 */
export const unknown = (
  variables: ReadonlyArray<string>,
  settings: ReadonlySet<string>
): ReadonlyArray<UnknownSetting> => {
  const unset = [...settings].filter((setting) => !variables.includes(setting))
  return variables
    .filter((name) => !settings.has(name) && !fromKubernetes.test(name))
    .flatMap((name): ReadonlyArray<UnknownSetting> => {
      const [nearest] = unset
        .filter((setting) => Math.abs(setting.length - name.length) <= maxDistance(setting))
        .map((setting) => ({ setting, mistakes: distance(name.toUpperCase(), setting) }))
        .filter(({ mistakes, setting }) => mistakes <= maxDistance(setting))
        .sort((a, b) => a.mistakes - b.mistakes)
      if (nearest !== undefined) return [{ name, suggestion: nearest.setting }]
      return ownPrefix.test(name) && !maybeOther.test(name) ? [{ name, suggestion: null }] : []
    })
}

/** What to tell the operator about it. */
export const describe = ({ name, suggestion }: UnknownSetting): string =>
  suggestion === null
    ? `${name} is not a setting, so it has no effect; the guide "Settings and limits" lists all settings.`
    : `${name} is not a setting, so it has no effect; did you mean ${suggestion}?`
