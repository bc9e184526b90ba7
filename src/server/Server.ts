/**
 * Assembles the server from the endpoints and the middleware.
 *
 * @module
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, type Duration, Effect, identity, Layer, Option, Scope } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { event } from "../analytics/Api.ts"
import * as FastPath from "../analytics/FastPath.ts"
import * as Analytics from "../analytics/Http.ts"
import { Api, Traced } from "../api/Api.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import { AgUiGroup } from "../chat/AgUiApi.ts"
import * as AgUi from "../chat/AgUiHttp.ts"
import * as ChatEndpoint from "../chat/ChatEndpoint.ts"
import * as ChatResponse from "../chat/ChatResponse.ts"
import * as Conversations from "../chat/ConversationsHttp.ts"
import { OpenAiGroup } from "../chat/OpenAiApi.ts"
import * as OpenAi from "../chat/OpenAiHttp.ts"
import * as RunningAnswers from "../chat/RunningAnswers.ts"
import * as ContractWidget from "../chat/WidgetApi.ts"
import * as Widget from "../chat/WidgetHttp.ts"
import * as Mail from "../delivery/mail/MailHttp.ts"
import { submit } from "../forms/Api.ts"
import * as Forms from "../forms/Http.ts"
import * as Assets from "../pages/Assets.ts"
import * as Console from "../pages/Console.ts"
import * as Docs from "../pages/Docs.ts"
import * as StartPage from "../pages/StartPage.ts"
import * as Body from "../platform/http/Body.ts"
import * as Countries from "../platform/http/Countries.ts"
import * as Incoming from "../platform/http/Incoming.ts"
import * as NodeServer from "../platform/http/NodeServer.ts"
import * as Trace from "../platform/http/Trace.ts"
import * as Validation from "../platform/http/Validation.ts"
import type { RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import * as ServiceSpans from "../platform/telemetry/ServiceSpans.ts"
import type { ConsoleSessions } from "../sites/access/ConsoleSession.ts"
import * as Middleware from "./Middleware.ts"
import * as OwnerRoutes from "./OwnerRoutes.ts"
import * as Readiness from "./Readiness.ts"

/** The demo's routes and middleware. */
export type AdditionalRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter | ConsoleSessions>

export interface Options extends NodeServer.Options, Omit<OwnerRoutes.Options, "rateLimit" | "secretsKey"> {
  readonly routes?: AdditionalRoutes | undefined
  readonly rateLimitAnalytics: Option.Option<RateLimitPolicy>
  readonly rateLimitForms: Option.Option<RateLimitPolicy>
  readonly rateLimitChat: Option.Option<RateLimitPolicy>
  /** For requests about a chat that send no message: resuming, stopping, reading and rating it, and listing the models. */
  readonly rateLimitChatRead: Option.Option<RateLimitPolicy>
  /** Whether this server also serves the owner API. */
  readonly ownerApi: boolean
  readonly rateLimitOwner: Option.Option<RateLimitPolicy>
  /** Whether this server has the console, which needs the owner API. */
  readonly console: boolean
  /** The maximum numbers of open chat streams in this process. */
  readonly chatStreams: ChatEndpoint.SlotOptions
  /** The key that signs the links in mails. */
  readonly secretsKey: Mail.Options["secretsKey"]
  /** The file of a country database. */
  readonly geoDatabase: Option.Option<string>
  /** The header in which a trusted proxy names the client's country. */
  readonly geoHeader: Option.Option<string>
  readonly chatMaxDuration: Duration.Duration
  /** How long an answer in a stored conversation continues without a reader; `None` ends it when its last reader leaves. */
  readonly chatResume: Option.Option<Duration.Duration>
  /** The maximum length of an answer, in bytes. */
  readonly chatMaxBytes: number
  /** The share of requests that start a trace, from 0 to 1; if missing, no request is traced. */
  readonly traceRatio?: number | undefined
}

/** The paths of a server, for metrics, traces and the responses to unknown paths. */
const pathsOf = ({ console, ownerApi }: Options): ReadonlyArray<Middleware.KnownPath> => [
  ...Middleware.endpointsOf(Api),
  ...(ownerApi ? Middleware.endpointsOf(OwnerApi) : []),
  ...(console ? Console.paths : []),
  ...Assets.paths,
  ...Docs.paths,
  ...Assets.pagePaths,
  ...Readiness.paths
]

/** The parts that its pages link to. */
const partsOf = ({ console, routes }: Options) => ({ console, demo: routes !== undefined, health: true })

/** What handles the requests of visitors. It lives as long as the server. */
interface Endpoints {
  readonly tracking: Analytics.Tracking
  readonly answers: RunningAnswers.RunningAnswers
  readonly chat: ChatEndpoint.ChatEndpoint
}

/** Makes what handles the requests of visitors. `graceExpired` completes at the end of the grace period. */
const makeEndpoints = Effect.fnUntraced(function* (options: Options, graceExpired: Effect.Effect<void>) {
  const { geoDatabase, geoHeader: header, trustedProxies } = options
  const countries = Option.isSome(geoDatabase) ? yield* Countries.make({ file: geoDatabase.value }) : Countries.none
  const tracking = yield* Analytics.make({
    rateLimit: options.rateLimitAnalytics,
    countryOf: Countries.ofClient(countries, { header, trustedProxies })
  })
  const bounds = { maxDuration: options.chatMaxDuration, maxBytes: options.chatMaxBytes, graceExpired }
  const answers = yield* RunningAnswers.make({ ...bounds, resume: options.chatResume })
  const chat = yield* ChatEndpoint.make({
    ...bounds,
    answers,
    slots: options.chatStreams,
    readTimeout: options.limits?.unreadTimeout ?? NodeServer.defaultLimits.unreadTimeout
  })
  return { tracking, answers, chat } satisfies Endpoints
})

/** All routes, without a server. */
const routes = (options: Options, { answers, chat, tracking }: Endpoints, tracing: Trace.Tracing | undefined) =>
  Layer.mergeAll(
    HttpApiBuilder.layer(Api),
    options.ownerApi ? OwnerRoutes.layer({ ...options, rateLimit: options.rateLimitOwner }) : Layer.empty,
    options.console ? Console.layer : Layer.empty,
    Assets.layer,
    Docs.layer(partsOf(options)),
    StartPage.layer(partsOf(options)),
    Assets.pageLayer,
    Readiness.probes
  ).pipe(
    Layer.provide([
      Analytics.layer(tracking),
      Forms.layer({ rateLimit: options.rateLimitForms }),
      Widget.layer(chat),
      Conversations.layer(answers, chat),
      OpenAi.layer(chat),
      AgUi.layer(chat),
      Mail.layer({ secretsKey: options.secretsKey })
    ]),
    Layer.provide(Layer.succeed(Traced, tracing === undefined ? identity : ServiceSpans.ofEndpoint)),
    Layer.provide([Validation.layer, Body.layer, Widget.bodies, Widget.admission(options)]),
    Layer.provideMerge(
      Middleware.layer({
        parts: partsOf(options),
        paths: pathsOf(options),
        trustedProxies: options.trustedProxies,
        tracing
      })
    )
  )

/** The routes whose responses are streams, unless a client asks for a whole answer. */
const chats = [ContractWidget.chat, OpenAiGroup.endpoints.completions, AgUiGroup.endpoints.run].map(({ path }) => path)

/** The routes that visitors' browsers use most, besides those of page views. */
const records = [event, submit].map(({ path }) => path)

/**
 * Whether visitors' requests are limited by address. If they are not, all of them may come from a few addresses, such as those of
 * a proxy or a load test.
 */
const isLimited = ({ rateLimitAnalytics, rateLimitChat, rateLimitForms }: Options): boolean =>
  [rateLimitAnalytics, rateLimitChat, rateLimitForms].some(Option.isSome)

/**
 * The context of requests. The platform copies it for every request, so it leaves out our services, which the
 * handlers got when their routes were built.
 */
const withoutServices = (context: Context.Context<never>): Context.Context<never> =>
  Context.makeUnsafe(new Map([...context.mapUnsafe].filter(([key]) => ServiceSpans.serviceName(key) === undefined)))

/** The listening server. */
export const layer = (options: Options) => {
  const facts = { templates: pathsOf(options).map(({ path }) => path), chats, isLimitedByAddress: isLimited(options) }
  return Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function* () {
      const { shutdownGrace, traceRatio, trustedProxies } = options
      const tracing = traceRatio === undefined ? undefined : yield* Trace.make({ ratio: traceRatio, trustedProxies })
      const { serve } = yield* NodeServer.make(options, facts)

      // Shutdown runs the finalizers of the following steps from the last to the first: the grace period starts, the
      // connections end, the server is closed, requests without a connection are interrupted, and the endpoints end.
      const drain = yield* ChatResponse.makeDrain({ grace: shutdownGrace })
      const endpoints = yield* makeEndpoints(options, drain.expired)
      const fastPath = yield* FastPath.make(endpoints.tracking, options, tracing)
      const router = yield* HttpRouter.toHttpEffect(
        Layer.merge(routes(options, endpoints, tracing), options.routes ?? Layer.empty)
      )
      const requests = yield* Scope.fork(yield* Effect.scope, "parallel")
      const listener = yield* NodeHttpServer.makeHandler(router, { scope: requests }).pipe(
        Effect.updateContext(withoutServices)
      )
      const ofRecords = Incoming.awaitingSmallBody(listener, options.maxBody)
      const ofPageViews = Incoming.awaitingSmallBody(fastPath(listener), options.maxBody)
      const http = yield* serve(
        listener,
        new Map([
          ...records.map((path) => [path, ofRecords] as const),
          ...FastPath.paths.map((path) => [path, ofPageViews] as const)
        ])
      )
      yield* Effect.addFinalizer(() => drain.start)
      return http
    })
  ).pipe(Layer.provide(NodeServer.services(options, facts)))
}
