/**
 * `POST /v1/public/forms/submit`: parses a submission (JSON or a plain HTML form), checks the rate limit (before parsing if
 * the body is large), finds its website, checks the page's origin and the rules of the form, scores the submission for spam
 * and stores it. The response is sent after the commit.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../contract/Api.ts"
import type { ValidationError } from "../contract/Errors.ts"
import * as FormCheck from "../core/forms/FormCheck.ts"
import * as FormContent from "../core/forms/FormContent.ts"
import * as RepeatedContent from "../core/forms/RepeatedContent.ts"
import * as SpamScore from "../core/forms/SpamScore.ts"
import * as Submission from "../core/forms/Submission.ts"
import type { RateLimitPolicy } from "../core/limits/RateLimit.ts"
import * as Decision from "../core/sites/Decision.ts"
import * as Origin from "../core/sites/Origin.ts"
import type { Site } from "../core/sites/Site.ts"
import * as Endpoint from "../http/endpoints/Endpoint.ts"
import * as Fallbacks from "../http/middleware/Fallbacks.ts"
import * as DecisionRecorder from "../http/request/DecisionRecorder.ts"
import * as ErrorMapping from "../http/request/ErrorMapping.ts"
import * as ErrorResponses from "../http/request/ErrorResponses.ts"
import * as OriginCheck from "../http/request/OriginCheck.ts"
import * as RateLimitCheck from "../http/request/RateLimitCheck.ts"
import * as RequestHead from "../http/request/RequestHead.ts"
import * as SerializedResponse from "../http/request/SerializedResponse.ts"
import * as InFlightLimit from "../platform/http/InFlightLimit.ts"
import * as RequestBody from "../platform/http/RequestBody.ts"
import { FormDirectory, type SiteForms } from "../services/forms/FormDirectory.ts"
import { type IdempotencyConflict, SubmissionRepo } from "../services/forms/SubmissionRepo.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../services/Storage.ts"
import { Decisions } from "../services/sites/Decisions.ts"
import * as FormPages from "./FormPages.ts"
import * as PlainForms from "./PlainForms.ts"
import * as SubmissionRequest from "./SubmissionRequest.ts"

/** How many digests of recent contents are kept to detect repetitions. */
const maxRecentDigests = 10_000

const reusedKey: ValidationError = {
  type: "value_error",
  loc: ["header", "idempotency-key"],
  msg: "Value error, this Idempotency-Key was used for another submission; use a new key"
}

/** Renders an error response as a page if the sender of a plain form accepts HTML. */
const asPage =
  (head: RequestHead.RequestHead) =>
  (answer: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
    answer.status >= 400 && PlainForms.wantsPage(head) ? FormPages.ofRefusal(answer, head.headers["origin"]) : answer

/** The JSON body of the response to a stored submission. An id needs no escaping. */
const receipt = (submissionId: string): string => `{"status":"received","submission_id":"${submissionId}"}`

/** The response to a stored plain form: a redirect to the page that the form names, or a thank-you page. */
const page = (
  head: RequestHead.RequestHead,
  site: Site,
  form: PlainForms.Form,
  submissionId: string,
  headers: Record<string, string>
) => {
  const next = Origin.nextUrl(site.origins, form.next)
  if (next !== null) return FormPages.redirect(next, headers)
  const { origin, referer } = head.headers
  return FormPages.thanks(submissionId, Origin.backUrl(site.origins, { referer, origin }), headers, origin)
}

/** The endpoint of submissions. */
export class SubmitHandler extends Context.Service<SubmitHandler, Endpoint.Endpoint>()("hydracore/http/Submit") {}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** The endpoint, for the router and for the fast path. */
export const endpoint = (options: Options) =>
  Layer.effect(
    SubmitHandler,
    Effect.gen(function* () {
      const checkRateLimit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* FormDirectory
      const repo = yield* SubmissionRepo
      const recordUncounted = DecisionRecorder.make(yield* Decisions)
      const repetitions = RepeatedContent.make(maxRecentDigests)

      const store = (
        head: RequestHead.RequestHead,
        { formData, key, payload }: SubmissionRequest.ParsedSubmission,
        plainForm: SubmissionRequest.ReceivedBody["plainForm"],
        { forms, site }: SiteForms,
        headers: RateLimitCheck.LimitHeaders
      ): Effect.Effect<Endpoint.Response, StorageUnavailable | RecordRefused | IdempotencyConflict> => {
        const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
        if (!OriginCheck.isAllowed(head, site.origins)) {
          return recordUncounted("foreign-origin", subject)(ErrorResponses.foreignOrigin("website", headers))
        }
        const rules = forms.get(payload.page_slug ?? "")
        const errors =
          rules === undefined
            ? []
            : FormCheck.check(rules, { ...payload, form_data: FormContent.withAllValues(formData, payload.form_data) })
        if (errors.length > 0) return recordUncounted("form-rule", subject)(ErrorResponses.invalid(errors, headers))
        const content = {
          websiteConfigId: site.websiteConfigId,
          email: payload.email ?? null,
          pageSlug: payload.page_slug ?? null,
          formData
        }
        const fingerprint = Submission.fingerprint(content)
        const fields = Option.isSome(plainForm) ? plainForm.value.reserved : payload.form_data
        const hints = FormContent.hintsOf(fields)
        const sessionId = FormContent.sessionOf(fields)
        const draftId = randomUUID()
        const makeDraft = (receivedAt: number) => {
          const signals = FormContent.signalsOf(content, {
            hints,
            repetitions: repetitions.record(fingerprint, key, receivedAt)
          })
          const idempotency = key === null ? null : { key, fingerprint }
          const { reasons, status } = SpamScore.judge(signals)
          return { ...content, submissionId: draftId, receivedAt, status, reasons, idempotency, sessionId }
        }
        return Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const draft = makeDraft(now)
          const stored = Effect.tapError(repo.submit(draft), () => Effect.sync(() => repetitions.forget(fingerprint)))
          return Effect.flatMap(stored, (submissionId): Effect.Effect<Endpoint.Response> => {
            // If an earlier request stored the submission, its stored status may differ from the draft's.
            const decision =
              submissionId !== draftId ? "repeated" : draft.status === "accepted" ? "counted" : "quarantined"
            if (decision !== "quarantined" && Option.isNone(plainForm)) {
              return Effect.succeed(
                SerializedResponse.make(200, { ...headers, [Decision.header]: decision }, receipt(submissionId))
              )
            }
            const answer = Option.isNone(plainForm)
              ? Endpoint.toHttpServerResponse(SerializedResponse.make(200, headers, receipt(submissionId)))
              : page(head, site, plainForm.value, submissionId, headers)
            return decision === "quarantined"
              ? recordUncounted(decision, subject)(answer)
              : Effect.succeed(DecisionRecorder.withDecision(answer, decision))
          })
        })
      }

      const submit = (
        head: RequestHead.RequestHead,
        { body, plainForm }: SubmissionRequest.ReceivedBody,
        gate: RateLimitCheck.RateLimitGate
      ): Effect.Effect<Endpoint.Response> => {
        const claim = () => DecisionRecorder.claimOf(body.value, "website-config-id")
        const parsed = SubmissionRequest.parseSubmission(body, head.headers["idempotency-key"])
        if (Result.isFailure(parsed))
          return recordUncounted("invalid", claim())(ErrorResponses.invalid(parsed.failure, gate.limitHeaders))
        return gate.check(head.address, ({ accepted, headers }): Effect.Effect<Endpoint.Response> => {
          if (!accepted) return recordUncounted("limited", claim())(ErrorResponses.overLimit(headers))
          return Effect.catch(
            Effect.flatMap(
              directory.bySite(parsed.success.payload.site_id),
              (siteForms): ReturnType<typeof store> =>
                Option.isSome(siteForms)
                  ? store(head, parsed.success, plainForm, siteForms.value, headers)
                  : recordUncounted("unknown-site", null)(ErrorResponses.unknownSite(headers))
            ),
            (error): Effect.Effect<Endpoint.Response> =>
              Effect.flatMap(
                error._tag === "IdempotencyConflict"
                  ? Effect.succeed(ErrorResponses.invalid([reusedKey], headers))
                  : ErrorMapping.ofStorage(error, headers),
                DecisionRecorder.ofStorage(recordUncounted, claim)
              )
          )
        })
      }

      /** The unverified site id in a plain form's URL. */
      const claimInUrl = (head: RequestHead.RequestHead) =>
        DecisionRecorder.claimOf({ site_id: PlainForms.siteOf(head) }, "website-config-id")

      const handle = (head: RequestHead.RequestHead, bytes: Uint8Array, gate: RateLimitCheck.RateLimitGate) =>
        Effect.matchEffect(SubmissionRequest.readBody(head, bytes), {
          onSuccess: (received) => submit(head, received, gate),
          onFailure: ({ errors }): Effect.Effect<Endpoint.Response> =>
            recordUncounted("invalid", claimInUrl(head))(ErrorResponses.invalid(errors, gate.limitHeaders))
        })

      const answer = InFlightLimit.bounded(
        RateLimitCheck.withRateLimit(checkRateLimit, handle, (head, bytes, headers) =>
          recordUncounted(
            "limited",
            claimInUrl(head) ?? DecisionRecorder.peekSiteId(bytes, "website-config-id")
          )(ErrorResponses.overLimit(headers))
        )
      )

      return (head, bytes) =>
        PlainForms.isPlain(head)
          ? Effect.suspend(() => answer(head, bytes)).pipe(
              Effect.catchCause(Fallbacks.ofCause),
              Effect.map((response) => asPage(head)(Endpoint.toHttpServerResponse(response)))
            )
          : answer(head, bytes)
    })
  )

/** Serves the contract's group through the router; requires `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "forms",
  Effect.fnUntraced(function* (handlers) {
    const submit = yield* SubmitHandler
    return handlers.handleRaw(
      "submit",
      ({ request }) => {
        const head = RequestHead.fromRequest(request)
        return Effect.flatMap(RequestBody.readBytes(request), (bytes) => submit(head, bytes)).pipe(
          Effect.map(Endpoint.toHttpServerResponse),
          Effect.catch((error) =>
            Effect.fail(error).pipe(
              Effect.catchTags(ErrorMapping.ofBytes),
              Effect.map((answer) => asPage(head)(DecisionRecorder.byStatus(answer)))
            )
          )
        )
      },
      // A visitor who leaves the page at once must not cancel the submission.
      { uninterruptible: true }
    )
  })
)

/** `group` with `endpoint`. */
export const layer = (options: Options) => Layer.provide(group, endpoint(options))
