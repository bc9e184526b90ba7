/**
 * The client of the owner API that commands use: its handlers in this process as the operator, or with `--url` a running service.
 *
 * @module
 */
import { Context, Effect, type Layer, Stream } from "effect"
import { Command } from "effect/cli"
import type { HttpClientError } from "effect/http"
import type * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import type { OwnerApi } from "../../api/OwnerApi.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type * as Operator from "../operator/Operator.ts"
import type { CliFailure } from "../support/Output.ts"
import * as Failures from "./Failures.ts"

type OwnerGroups = typeof OwnerApi extends HttpApi.HttpApi<string, infer Groups> ? Groups : never

/** The groups that no command calls. */
type ForBrowsers = "live" | "replies" | "session" | "shared" | "submissionDeliveries"

/** The groups that commands call. `Local.ts` loads the handlers of each. */
export type GroupName = Exclude<HttpApiGroup.Identifier<OwnerGroups>, ForBrowsers>

/** Why there is no response: in this process, the error of a store; else that of the connection. */
export type RequestError = StorageUnavailable | HttpClientError.HttpClientError

/** The client of a group of the owner API. */
export type Group<Name extends GroupName> = HttpApiClient.Client.Group<
  HttpApiGroup.WithIdentifier<OwnerGroups, Name>,
  RequestError,
  never
>

/** The client's part of the middleware of a group: the API has none. */
type Middleware<Name extends GroupName> = HttpApiGroup.MiddlewareClient<HttpApiGroup.WithIdentifier<OwnerGroups, Name>>

export class Client extends Context.Service<
  Client,
  {
    /** Builds the client of a group. With `--url`, fails without an owner key. */
    readonly owner: <const Name extends GroupName>(
      group: Name
    ) => Effect.Effect<Group<Name>, CliFailure, Middleware<Name>>
    /** What only the operator may do. Fails with `--url`: no service offers it. */
    readonly operator: <Operations>(load: Operator.Load<Operations>) => Effect.Effect<Operations, CliFailure>
    /** The address of `--url`; null in this process. */
    readonly url: string | null
  }
>()("hydracore/cli/client/Client") {}

/** Sends requests to a group of the owner API. An error of the contract ends the command with its message. */
export const owner = <const Name extends GroupName, A, E extends { readonly _tag: string }, R>(
  group: Name,
  facts: Failures.Facts,
  request: (client: Group<Name>) => Effect.Effect<A, E, R>
) =>
  Client.use(({ owner, url }) =>
    Effect.flatMap(owner(group), (client) => Effect.mapError(request(client), Failures.of(facts, url)))
  )

/** Does what only the operator may do, with operations of a module. Fails with `--url`. */
export const operator = <Operations, A, E extends { readonly _tag: string }, R>(
  load: Operator.Load<Operations>,
  facts: Failures.Facts,
  request: (operations: Operations) => Effect.Effect<A, E, R>
) =>
  Client.use(({ operator, url }) =>
    Effect.flatMap(operator(load), (operations) => Effect.mapError(request(operations), Failures.of(facts, url)))
  )

/** The text of a file that a request returns, as it arrives. */
export const textOf = <H, E, R>(
  file: Effect.Effect<HttpApiSchema.withHeaders<Stream.Stream<Uint8Array, HttpClientError.HttpClientError>, H>, E, R>
) => Stream.unwrap(Effect.map(file, ({ body }) => body.pipe(Stream.mapError(Failures.ofBrokenOff), Stream.decodeText)))

// biome-ignore lint/suspicious/noExplicitAny: a command's name is invariant, and any name is allowed here.
type Subcommand<E = unknown, R = unknown> = Command.Command<any, never, unknown, E, R>

/** The command of these subcommands, which send requests. The client is built only when one of them runs. */
export const command =
  <const Name extends string, const Subcommands extends ReadonlyArray<Subcommand>>(
    name: Name,
    description: string,
    ...subcommands: Subcommands
  ) =>
  <E, R>(client: Layer.Layer<Client, E, R>) => {
    // The errors and services of the subcommands, which an array of them does not keep.
    const provided = subcommands.map((subcommand) => Command.provide(subcommand, client)) as ReadonlyArray<
      Subcommand<E | Command.Error<Subcommands[number]>, R | Exclude<Command.Services<Subcommands[number]>, Client>>
    >
    return Command.make(name).pipe(Command.withDescription(description), Command.withSubcommands(provided))
  }
