/**
 * The client of the owner API's handlers in this process, as the operator. No server runs.
 *
 * @module
 */
import { Effect, Exit, Layer, Scope } from "effect"
import {
  HttpClient,
  HttpEffect,
  HttpRouter,
  HttpServer,
  type HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import { OwnerApi } from "../../api/OwnerApi.ts"
import { layerMemory } from "../../platform/limits/RateLimit.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Authorized from "../../sites/access/AuthorizedHttp.ts"
import * as SiteSlots from "../../sites/access/SiteSlots.ts"
import * as Validation from "../../sites/access/Validation.ts"
import * as ErrorMapping from "../../sites/ErrorMapping.ts"
import * as Operator from "../operator/Groups.ts"
import * as Identity from "../operator/Identity.ts"
import { Settings } from "../operator/Operations.ts"
import * as Client from "./Client.ts"
import * as Groups from "./Groups.ts"

/** What the handlers need besides the stores, and the operator as their caller. */
const common = Layer.mergeAll(Identity.layer, Authorized.layer, Validation.layer, SiteSlots.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(layerMemory({ maxKeys: 1000 }), HttpServer.layerServices))
)

/** What the handlers of both APIs need. */
const services = Layer.merge(common, Layer.effectContext(Effect.context<Groups.Stores>()))

type Services = Layer.Success<typeof services>

/** Requests need a host, which nothing resolves. */
const baseUrl = "http://operator.invalid"

type Handler = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HttpServerError.HttpServerError,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/** Sends requests to `handler`. A response that is not streamed ends what its request holds. */
const clientOf = (handler: Handler, scope: Scope.Scope) =>
  HttpClient.makeWith<never, never, Client.RequestError, never>(
    Effect.flatMap((request) => {
      const requestScope = Scope.forkUnsafe(scope)
      let unavailable: StorageUnavailable | undefined
      let isStreamed = false
      return handler.pipe(
        Effect.flatMap((response) => {
          if (response.status === 503 && unavailable !== undefined) return Effect.fail(unavailable)
          const owned = HttpEffect.scopeTransferToStream(response)
          isStreamed = owned !== response
          return Effect.succeed(HttpServerResponse.toClientResponse(owned, { request }))
        }),
        Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
        Effect.provideService(ErrorMapping.OnUnavailable, (error) =>
          Effect.sync(() => {
            unavailable = error
          })
        ),
        Effect.provideService(Scope.Scope, requestScope),
        Effect.catchTag("HttpServerError", Effect.die),
        Effect.onExit((exit) => (isStreamed && Exit.isSuccess(exit) ? Effect.void : Scope.close(requestScope, exit)))
      )
    }),
    Effect.succeed
  )

/** The routes of a group of the owner API alone. */
const routesOf = (group: Client.GroupName, options: Groups.Options) =>
  Effect.map(
    Effect.promise(() => Groups.load(group, options)),
    (handlers) =>
      HttpApiBuilder.layer(HttpApi.make(OwnerApi.identifier).add(OwnerApi.groups[group])).pipe(Layer.provide(handlers))
  )

type OperatorModule = Awaited<ReturnType<(typeof Operator.groups)[Operator.GroupName]>>

/**
 * The compiler cannot pair a group with its client. One group stands for all, which differ in their operations, with the services of
 * all.
 */
interface AnyOperatorGroup {
  readonly Api: typeof import("../operator/Sites.ts")["Api"]
  readonly layer: Layer.Layer<
    Layer.Success<typeof import("../operator/Sites.ts")["layer"]>,
    never,
    Layer.Services<OperatorModule["layer"]>
  >
}

const make = (options: Groups.Options) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Layer.build(services)
    const settings = Layer.succeed(Settings, options)
    const clientFor = (routes: Layer.Layer<never, never, HttpRouter.HttpRouter | Services>) =>
      HttpRouter.toHttpEffect(Layer.provide(routes, Layer.succeedContext(context))).pipe(
        Effect.map((handler) => clientOf(handler, scope)),
        Scope.provide(scope)
      )
    return Client.Client.of({
      owner: (group) =>
        routesOf(group, options).pipe(
          Effect.flatMap(clientFor),
          Effect.flatMap((httpClient) => HttpApiClient.group(OwnerApi, { group, httpClient, baseUrl }))
        ),
      operator: <const Name extends Operator.GroupName>(name: Name) =>
        Effect.gen(function* () {
          const loaded: unknown = yield* Effect.promise(async () => Operator.groups[name]())
          const { Api, layer } = loaded as AnyOperatorGroup
          const httpClient = yield* clientFor(
            HttpApiBuilder.layer(Api).pipe(Layer.provide(layer), Layer.provide(settings))
          )
          const group = name as "sites"
          const client: unknown = yield* HttpApiClient.group(Api, { group, httpClient, baseUrl })
          return client as Operator.Group<Name>
        }),
      url: null
    })
  })

export const layer = (options: Groups.Options) => Layer.effect(Client.Client, make(options))
