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
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { OwnerApi } from "../../api/OwnerApi.ts"
import { layerMemory } from "../../platform/limits/RateLimit.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type * as DataHandlers from "../../privacy/OwnerDataHttp.ts"
import { scopeGrants } from "../../sites/access/Access.ts"
import {
  Authentication,
  Caller,
  Guest,
  type Identity,
  SharedAuthentication
} from "../../sites/access/AuthenticationApi.ts"
import * as Authorized from "../../sites/access/AuthorizedHttp.ts"
import * as SiteSlots from "../../sites/access/SiteSlots.ts"
import * as Validation from "../../sites/access/Validation.ts"
import * as ErrorMapping from "../../sites/ErrorMapping.ts"
import type * as Operator from "../operator/Operator.ts"
import * as Client from "./Client.ts"

export interface Options extends Operator.Options, DataHandlers.Options {}

/**
 * The operator's identity. A person who can run a command on the database may use every operation.
 *
 * It replaces the authentication of requests and exists only in the process of a command. No server can import it (the order of
 * folders), so no server has it, and no key, session or request reaches it.
 */
const operator: Identity = {
  id: "operator",
  kind: "operator",
  access: [{ grants: scopeGrants.write, sites: "all" }],
  session: null,
  expiresAt: null,
  isValid: Effect.succeed(true)
}

const asOperator = <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Caller>) =>
  Effect.provideService(handler, Caller, operator)

const unused = Effect.die(new Error("A command opens no session and no shared dashboard."))

/** Every caller is the operator. Sessions and shared dashboards, which take a secret, are for browsers. */
const authentication = Layer.mergeAll(
  Layer.succeed(Authentication, {
    consoleSession: asOperator,
    localConsoleSession: asOperator,
    ownerKey: asOperator
  }),
  Layer.succeed(Guest, () => unused),
  Layer.succeed(SharedAuthentication, { shareSecret: () => unused })
)

/** What the handlers need besides the stores, and the operator as their caller. */
const common = Layer.mergeAll(authentication, Authorized.layer, Validation.layer, SiteSlots.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(layerMemory({ maxKeys: 1000 }), HttpServer.layerServices))
)

/** What the handlers need. */
const services = Layer.merge(common, Layer.effectContext(Effect.context<Operator.Stores>()))

type Services = Layer.Success<typeof services>

type Api = typeof OwnerApi

type AnyGroup = HttpApiGroup.ToService<Api["identifier"], Api["groups"][Client.GroupName]>

/** A layer of one group, which the routes of that group need. */
const handlers = (layer: Layer.Layer<never, never, Services>) => layer as Layer.Layer<AnyGroup, never, Services>

/**
 * Loads the handlers of each group of the owner API that commands call. A command loads those of its group alone: loading and
 * building all of them takes longer than most commands.
 */
const load: Readonly<Record<Client.GroupName, (options: Options) => Promise<ReturnType<typeof handlers>>>> = {
  activity: async () => handlers((await import("../../activity/OwnerActivityHttp.ts")).layer),
  attention: async () => handlers((await import("../../activity/OwnerAttentionHttp.ts")).layer),
  autoReplies: async () => handlers((await import("../../delivery/mail/OwnerRepliesHttp.ts")).layer),
  conversations: async () => handlers((await import("../../chat/OwnerConversationsHttp.ts")).layer),
  data: async (options) => handlers((await import("../../privacy/OwnerDataHttp.ts")).layer(options)),
  forms: async () => handlers((await import("../../forms/OwnerFormsHttp.ts")).layer),
  goals: async () => handlers((await import("../../analytics/OwnerGoalsHttp.ts")).layer),
  health: async () => handlers((await import("../../health/OwnerHealthHttp.ts")).layer),
  instances: async (options) => handlers((await import("../../chat/OwnerInstancesHttp.ts")).layer(options)),
  keys: async () => handlers((await import("../../sites/access/OwnerAccessHttp.ts")).layer),
  notifications: async () => handlers((await import("../../delivery/mail/OwnerNotificationsHttp.ts")).layer),
  people: async () => handlers((await import("../../sites/access/OwnerAccessHttp.ts")).layer),
  reports: async () => handlers((await import("../../analytics/reports/OwnerReportsHttp.ts")).layer),
  sessions: async () => handlers((await import("../../sites/access/OwnerAccessHttp.ts")).layer),
  shares: async () => handlers((await import("../../analytics/shares/OwnerSharesHttp.ts")).layer),
  sites: async () => handlers((await import("../../sites/OwnerSitesHttp.ts")).layer),
  spam: async () => handlers((await import("../../forms/OwnerSubmissionsHttp.ts")).layer),
  submissions: async () => handlers((await import("../../forms/OwnerSubmissionsHttp.ts")).layer),
  tokens: async () => handlers((await import("../../chat/OwnerTokensHttp.ts")).layer),
  webhooks: async (options) => handlers((await import("../../delivery/OwnerWebhooksHttp.ts")).layer(options))
}

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
const routesOf = (group: Client.GroupName, options: Options) =>
  Effect.map(
    Effect.promise(() => load[group](options)),
    (loaded) =>
      HttpApiBuilder.layer(HttpApi.make(OwnerApi.identifier).add(OwnerApi.groups[group])).pipe(Layer.provide(loaded))
  )

const make = (options: Options) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Layer.build(services)
    return Client.Client.of({
      owner: (group) =>
        routesOf(group, options).pipe(
          Effect.flatMap((routes) => HttpRouter.toHttpEffect(Layer.provide(routes, Layer.succeedContext(context)))),
          Scope.provide(scope),
          Effect.flatMap((handler) =>
            HttpApiClient.group(OwnerApi, { group, httpClient: clientOf(handler, scope), baseUrl })
          )
        ),
      operator: (load) =>
        Effect.promise(load).pipe(
          Effect.flatMap(({ make }) => make(options)),
          Effect.provide(context)
        ),
      url: null
    })
  })

export const layer = (options: Options) => Layer.effect(Client.Client, make(options))
