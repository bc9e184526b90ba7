/**
 * Reads the setting `NAME` from the file that the variable `NAME_FILE` names, if `NAME` itself is unset. Docker and
 * Kubernetes mount secrets as such files.
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
