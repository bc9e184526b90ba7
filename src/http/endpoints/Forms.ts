/**
 * `POST /v1/public/forms/submit`: reads a submission (JSON, or a plain HTML form), counts it against the limit (a large one
 * before it is read), finds its website, judges it, stores it, and only then gives its id.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import type { ValidationError } from "../../contract/Errors.ts"
import * as FormContent from "../../core/forms/FormContent.ts"
import * as RepeatedContent from "../../core/forms/RepeatedContent.ts"
import * as SpamScore from "../../core/forms/SpamScore.ts"
import * as Submission from "../../core/forms/Submission.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as Decision from "../../core/sites/Decision.ts"
import * as Origin from "../../core/sites/Origin.ts"
import type { Site } from "../../core/sites/Site.ts"
import { type IdempotencyConflict, SubmissionRepo } from "../../services/forms/SubmissionRepo.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import { Decisions } from "../../services/sites/Decisions.ts"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"
import * as Fallbacks from "../middleware/Fallbacks.ts"
import * as RequestBody from "../server/RequestBody.ts"
import * as DecisionRecorder from "./DecisionRecorder.ts"
import * as Endpoint from "./Endpoint.ts"
import * as ErrorMapping from "./ErrorMapping.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as FormPages from "./FormPages.ts"
import * as InFlightLimit from "./InFlightLimit.ts"
import * as OriginCheck from "./OriginCheck.ts"
import * as PlainForms from "./PlainForms.ts"
import * as RateLimitCheck from "./RateLimitCheck.ts"
import * as RequestHead from "./RequestHead.ts"
import * as SerializedResponse from "./SerializedResponse.ts"
import * as SubmissionRequest from "./SubmissionRequest.ts"

/** How many contents are remembered to tell repetitions. */
const rememberedContents = 10_000

const reusedKey: ValidationError = {
  type: "value_error",
  loc: ["header", "idempotency-key"],
  msg: "Value error, this Idempotency-Key was used for another submission; use a new key"
}

/** A refusal as whoever sent a plain form wants to see it; any other answer as it is. */
const asPage =
  (asked: RequestHead.RequestHead) =>
  (answer: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
    answer.status >= 400 && PlainForms.wantsPage(asked) ? FormPages.ofRefusal(answer, asked.headers["origin"]) : answer

/** The answer to a submission that is stored, as JSON; an id needs no escapes. */
const receipt = (submissionId: string): string => `{"status":"received","submission_id":"${submissionId}"}`

/** What the sender of a plain form sees when it is stored. */
const page = (
  asked: RequestHead.RequestHead,
  site: Site,
  form: PlainForms.Form,
  submissionId: string,
  headers: Record<string, string>
) => {
  const next = Origin.nextAddress(site.origins, form.next)
  if (next !== null) return FormPages.onward(next, headers)
  const { origin, referer } = asked.headers
  return FormPages.thanks(submissionId, Origin.backAddress(site.origins, { referer, origin }), headers, origin)
}

/** What answers a submission whose body was read. */
export class SubmitHandler extends Context.Service<SubmitHandler, Endpoint.Endpoint>()("hydracore/http/Submit") {}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** The endpoint without a server. */
export const endpoint = (options: Options) =>
  Layer.effect(
    SubmitHandler,
    Effect.gen(function* () {
      const admit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const repo = yield* SubmissionRepo
      const notCounted = DecisionRecorder.make(yield* Decisions)
      const repetitions = RepeatedContent.make(rememberedContents)

      const store = (
        asked: RequestHead.RequestHead,
        { formData, key, payload }: SubmissionRequest.ParsedSubmission,
        form: SubmissionRequest.ReceivedBody["form"],
        site: Site,
        headers: RateLimitCheck.LimitHeaders
      ): Effect.Effect<Endpoint.Response, StorageUnavailable | RecordRefused | IdempotencyConflict> => {
        const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
        if (!OriginCheck.isAllowed(asked, site.origins)) {
          return notCounted("foreign-origin", subject)(ErrorResponses.foreignOrigin("website", headers))
        }
        const content = {
          websiteConfigId: site.websiteConfigId,
          email: payload.email ?? null,
          pageSlug: payload.page_slug ?? null,
          formData
        }
        const fingerprint = Submission.fingerprint(content)
        const hints = FormContent.hintsOf(Option.isSome(form) ? form.value.reserved : payload.form_data)
        const draftId = randomUUID()
        const draft = (receivedAt: number) => {
          const marks = FormContent.signalsOf(content, {
            hints,
            repetitions: repetitions.record(fingerprint, key, receivedAt)
          })
          const idempotency = key === null ? null : { key, fingerprint }
          const { reasons, status } = SpamScore.judge(marks)
          return { ...content, submissionId: draftId, receivedAt, status, reasons, idempotency }
        }
        return Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const drafted = draft(now)
          return Effect.flatMap(repo.submit(drafted), (submissionId): Effect.Effect<Endpoint.Response> => {
            // Of what was sent again the draft tells nothing: the one that is stored may have been judged otherwise.
            const decision =
              submissionId !== draftId ? "repeated" : drafted.status === "accepted" ? "counted" : "quarantined"
            if (decision !== "quarantined" && Option.isNone(form)) {
              return Effect.succeed(
                SerializedResponse.make(200, { ...headers, [Decision.header]: decision }, receipt(submissionId))
              )
            }
            const answer = Option.isNone(form)
              ? Endpoint.toHttpServerResponse(SerializedResponse.make(200, headers, receipt(submissionId)))
              : page(asked, site, form.value, submissionId, headers)
            return decision === "quarantined"
              ? notCounted(decision, subject)(answer)
              : Effect.succeed(DecisionRecorder.withDecision(answer, decision))
          })
        })
      }

      const submit = (
        asked: RequestHead.RequestHead,
        { body, form }: SubmissionRequest.ReceivedBody,
        gate: RateLimitCheck.RateLimitGate
      ): Effect.Effect<Endpoint.Response> => {
        const claim = () => DecisionRecorder.claimOf(body.value, "website-config-id")
        const asks = SubmissionRequest.parseSubmission(body, asked.headers["idempotency-key"])
        if (Result.isFailure(asks))
          return notCounted("invalid", claim())(ErrorResponses.invalid(asks.failure, gate.limitHeaders))
        return gate.check(asked.address, ({ accepted, headers }): Effect.Effect<Endpoint.Response> => {
          if (!accepted) return notCounted("limited", claim())(ErrorResponses.overLimit(headers))
          return Effect.catch(
            Effect.flatMap(
              directory.byWebsiteConfigId(asks.success.payload.site_id),
              (site): ReturnType<typeof store> =>
                Option.isSome(site)
                  ? store(asked, asks.success, form, site.value, headers)
                  : notCounted("unknown-site", null)(ErrorResponses.unknownSite(headers))
            ),
            (error): Effect.Effect<Endpoint.Response> =>
              Effect.flatMap(
                error._tag === "IdempotencyConflict"
                  ? Effect.succeed(ErrorResponses.invalid([reusedKey], headers))
                  : ErrorMapping.ofStorage(error, headers),
                DecisionRecorder.ofStorage(notCounted, claim)
              )
          )
        })
      }

      /** The website that a plain form's address names. */
      const addressed = (asked: RequestHead.RequestHead) =>
        DecisionRecorder.claimOf({ site_id: PlainForms.siteOf(asked) }, "website-config-id")

      const take = (asked: RequestHead.RequestHead, bytes: Uint8Array, gate: RateLimitCheck.RateLimitGate) =>
        Effect.matchEffect(SubmissionRequest.readBody(asked, bytes), {
          onSuccess: (given) => submit(asked, given, gate),
          onFailure: ({ errors }): Effect.Effect<Endpoint.Response> =>
            notCounted("invalid", addressed(asked))(ErrorResponses.invalid(errors, gate.limitHeaders))
        })

      const answer = InFlightLimit.bounded(
        RateLimitCheck.withRateLimit(admit, take, (asked, bytes, headers) =>
          notCounted(
            "limited",
            addressed(asked) ?? DecisionRecorder.peekSiteId(bytes, "website-config-id")
          )(ErrorResponses.overLimit(headers))
        )
      )

      return (asked, bytes) =>
        PlainForms.isPlain(asked)
          ? Effect.suspend(() => answer(asked, bytes)).pipe(
              Effect.catchCause(Fallbacks.ofCause),
              Effect.map((given) => asPage(asked)(Endpoint.toHttpServerResponse(given)))
            )
          : answer(asked, bytes)
    })
  )

/** The endpoint as a group of the contract's; over `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "forms",
  Effect.fnUntraced(function* (handlers) {
    const submit = yield* SubmitHandler
    return handlers.handleRaw(
      "submit",
      ({ request }) => {
        const asked = RequestHead.fromRequest(request)
        return Effect.flatMap(RequestBody.readBytes(request), (bytes) => submit(asked, bytes)).pipe(
          Effect.map(Endpoint.toHttpServerResponse),
          Effect.catch((error) =>
            Effect.fail(error).pipe(
              Effect.catchTags(ErrorMapping.ofBytes),
              Effect.map((answer) => asPage(asked)(DecisionRecorder.byStatus(answer)))
            )
          )
        )
      },
      // A visitor who leaves at once must not take the submission along.
      { uninterruptible: true }
    )
  })
)

/** The group on an endpoint of its own. */
export const layer = (options: Options) => Layer.provide(group, endpoint(options))
