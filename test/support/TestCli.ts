/** Runs the command line in the test's process, and captures its output and exit code. */
import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import path from "node:path"
import {
  ConfigProvider,
  Effect,
  FileSystem,
  Layer,
  Option,
  Path,
  PlatformError,
  type Redacted,
  Runtime,
  Sink,
  Stdio,
  Terminal
} from "effect"
import type { GlobalFlag } from "effect/cli"
import { ChildProcessSpawner } from "effect/process"
import type { AgentStream } from "../../src/chat/AgentStream.ts"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import * as Cli from "../../src/cli/Cli.ts"
import * as Local from "../../src/cli/client/Local.ts"
import type { AllowedHost } from "../../src/platform/outward/AddressGuard.ts"
import type { Storage } from "./MemoryStorage.ts"
import * as TestDeliveries from "./TestDeliveries.ts"
import { options as handlerOptions } from "./TestServer.ts"

export interface Ended {
  /** The code with which the process would exit. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export type Output = Sink.Sink<void, string | Uint8Array, never, PlatformError.PlatformError>

/** The members of the terminal that the command line does not use. */
const unused = Effect.die("The command line uses only the terminal's width.")

/** A file system with these files, by path. */
const fileSystem = (files: Readonly<Record<string, string>>) =>
  FileSystem.layerNoop({
    readFileString: (path) => {
      const text = files[path]
      if (text !== undefined) return Effect.succeed(text)
      const cause = Object.assign(new Error("no such file"), { code: "ENOENT" })
      return Effect.fail(
        PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "readFileString", cause })
      )
    }
  })

const platform = (stdio: Partial<Stdio.Stdio>, columns: number, files: Readonly<Record<string, string>>) =>
  Layer.mergeAll(
    fileSystem(files),
    Path.layer,
    Stdio.layerTest(stdio),
    Layer.succeed(
      Terminal.Terminal,
      Terminal.make({
        columns: Effect.succeed(columns),
        rows: Effect.succeed(24),
        size: unused,
        readInput: unused,
        readLine: unused,
        display: () => unused
      })
    ),
    Layer.succeed(
      ChildProcessSpawner.ChildProcessSpawner,
      ChildProcessSpawner.make(() => Effect.die("The command line must not start a process."))
    )
  )

/** Settings without the data folder that `npm start` may have left in this clone. */
const withoutDemo = ConfigProvider.fromUnknown({ HYDRACORE_DATA_DIR: path.join(tmpdir(), `hydracore-${randomUUID()}`) })

const agentThatAnswers = ScriptedAgent.layerScripted(() => ScriptedAgent.texts(["OK"]))

type Mail = NonNullable<Parameters<typeof TestDeliveries.layer>[1]>

/** The owner API in this process. */
export const clientOf = <E, R>(
  storage: Layer.Layer<Storage, E, R>,
  agent: Layer.Layer<AgentStream>,
  secretsKey?: Redacted.Redacted<Uint8Array>,
  webhookAllow: ReadonlyArray<AllowedHost> = [],
  mail: Mail = Option.none()
) =>
  Local.layer({ ...handlerOptions, secretsKey: Option.fromUndefinedOr(secretsKey), webhookAllow }).pipe(
    Layer.provide(
      TestDeliveries.layer(webhookAllow, mail).pipe(Layer.provideMerge(Layer.merge(Cli.requireReady(storage), agent)))
    )
  )

/** Runs `hydracore` with arguments. `stdout` replaces the captured standard output. */
export const run = Effect.fnUntraced(function* <E, R>(
  args: ReadonlyArray<string>,
  storage: Layer.Layer<Storage, E, R>,
  options: {
    readonly agent?: Layer.Layer<AgentStream>
    /** `SECRETS_KEY`. */
    readonly secretsKey?: Redacted.Redacted<Uint8Array>
    /** `WEBHOOK_ALLOW`. */
    readonly webhookAllow?: ReadonlyArray<AllowedHost>
    /** The mail server. */
    readonly mail?: Mail
    readonly columns?: number
    readonly stdout?: Output
    readonly isTerminal?: boolean
    readonly files?: Readonly<Record<string, string>>
    /** Commands with their own storage. */
    readonly commands?: Cli.Options<E, R, Stdio.Stdio | GlobalFlag.Setting.Identifier<"json">>["commands"]
  } = {}
) {
  const written = { stdout: "", stderr: "" }
  const decoder = new TextDecoder()
  const collect = (name: keyof typeof written) =>
    Sink.forEachArray((parts: ReadonlyArray<string | Uint8Array>) =>
      Effect.sync(() => {
        for (const part of parts) written[name] += typeof part === "string" ? part : decoder.decode(part)
      })
    )
  const client = clientOf(
    storage,
    options.agent ?? agentThatAnswers,
    options.secretsKey,
    options.webhookAllow,
    options.mail
  )
  const exit = yield* Cli.make({ client, commands: options.commands ?? [] })(args).pipe(
    Effect.provide(
      platform(
        {
          stdout: () => options.stdout ?? collect("stdout"),
          stderr: () => collect("stderr"),
          stdoutIsTerminal: Effect.succeed(options.isTerminal ?? false)
        },
        options.columns ?? 0,
        options.files ?? {}
      )
    ),
    Effect.updateService(ConfigProvider.ConfigProvider, ConfigProvider.orElse(withoutDemo)),
    Effect.exit
  )
  let code = -1
  Runtime.defaultTeardown(exit, (exitCode) => {
    code = exitCode
  })
  return { code, ...written } satisfies Ended
})
