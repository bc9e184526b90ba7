/**
 * `POST /v1/public/forms/submit`: checks the rate limit, finds the website, checks the page's origin and the rules of the form,
 * scores the submission for spam and stores it. The response is sent after the commit.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Option, Predicate } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as VisitorSalts from "../analytics/VisitorSalts.ts"
import { Api, Traced } from "../api/Api.ts"
import { Validation, type ValidationError } from "../platform/contract/Errors.ts"
import { Received, type RequestHead } from "../platform/contract/Received.ts"
import * as Body from "../platform/http/Body.ts"
import * as Decision from "../platform/http/Decision.ts"
import * as EndpointGroup from "../platform/http/EndpointGroup.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Origin from "../platform/http/Origin.ts"
import { SubmissionId } from "../platform/Id.ts"
import { type LimitHeaders, makeCheck, RateLimiter, type RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import * as Json from "../platform/text/Json.ts"
import * as Decisions from "../sites/Decisions.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import type { Site } from "../sites/Site.ts"
import { type PlainForm, SubmissionBody, type SubmissionPayload, Submitted } from "./Api.ts"
import * as FormCheck from "./FormCheck.ts"
import { FormDirectory, type SiteForms } from "./FormRules.ts"
import * as PlainForms from "./PlainForms.ts"
import * as SpamScore from "./SpamScore.ts"
import * as Submission from "./Submission.ts"
import { type IdempotencyConflict, SubmissionRepo } from "./SubmissionRepo.ts"

/** How many digests of recent contents are kept to detect repetitions. */
const maxRecentDigests = 10_000

/** The maximum nesting depth of `form_data`: many JSON parsers accept no more, and the owner's programs must read the data. */
const maxDepth = 100

const tooDeep: ValidationError = {
  type: "value_error",
  loc: ["body", "form_data"],
  msg: `Value error, nested more than ${maxDepth} levels deep; reduce the nesting`
}

const reusedKey: ValidationError = {
  type: "value_error",
  loc: ["header", "idempotency-key"],
  msg: "Value error, this Idempotency-Key was used for another submission; use a new key"
}

type Response = HttpServerResponse.HttpServerResponse

/** The JSON body of the response to a stored submission. An id needs no escaping. */
const receipt = (submissionId: string): string => `{"status":"received","submission_id":"${submissionId}"}`

/** The response to a stored plain form: a redirect to the page that the form names, or a thank-you page. */
const page = (
  { headers }: RequestHead,
  site: Site,
  next: string | undefined,
  submissionId: string,
  limitHeaders: LimitHeaders
) => {
  const url = Origin.nextUrl(site.origins, next)
  if (url !== null) return PlainForms.redirect(url, limitHeaders)
  const { origin, referer } = headers
  return PlainForms.thanks(submissionId, Origin.backUrl(site.origins, { referer, origin }), limitHeaders, origin)
}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** Makes the function that answers a valid submission. */
const make = Effect.fnUntraced(function* (options: Options) {
  const checkRateLimit = makeCheck(yield* RateLimiter, options.rateLimit)
  const directory = yield* FormDirectory
  const leadHashes = yield* VisitorSalts.makeLeadHashes
  const repo = yield* SubmissionRepo
  const recordUncounted = Decisions.recorder(yield* Decisions.Decisions)
  const clock = yield* Clock.Clock
  const repetitions = SpamScore.makeRepeated(maxRecentDigests)

  const store = (
    { head, plainForm }: SubmissionBody["Service"],
    payload: SubmissionPayload,
    formData: string,
    key: string | null,
    { forms, marks, site }: SiteForms,
    headers: LimitHeaders
  ): Effect.Effect<Response, StorageUnavailable | RecordRefused | IdempotencyConflict> => {
    const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
    if (!Origin.accepts(head, site.origins)) {
      return recordUncounted(
        "foreign-origin",
        subject,
        Origin.refusedOf(head)
      )(ErrorResponses.foreignOrigin("website", headers))
    }
    const rules = forms.get(payload.page_slug ?? "")
    const errors =
      rules === undefined
        ? []
        : FormCheck.check(rules, { ...payload, form_data: Submission.withAllValues(formData, payload.form_data) })
    if (errors.length > 0) {
      const refused = Decision.refused(payload.page_slug ?? "", FormCheck.fieldOf(errors))
      return recordUncounted("form-rule", subject, refused)(ErrorResponses.invalid(errors, headers))
    }
    const content = {
      websiteConfigId: site.websiteConfigId,
      email: payload.email ?? null,
      pageSlug: payload.page_slug ?? null,
      formData
    }
    const fingerprint = Submission.fingerprint(content)
    const marked = SpamScore.isMarked(marks, site.websiteConfigId, content)
    const fields = Option.isSome(plainForm) ? plainForm.value.reserved : payload.form_data
    const draftId = SubmissionId.make(randomUUID())
    const receivedAt = clock.currentTimeMillisUnsafe()
    const isLead = VisitorSalts.mayBeLead(head) && Submission.allowsLead(fields)
    return Effect.flatMap(isLead ? leadHashes(head, site, receivedAt) : Effect.succeed([]), (visitorHashes) => {
      const signals = SpamScore.signalsOf(content, {
        hints: Submission.hintsOf(fields),
        marked,
        repetitions: repetitions.record(fingerprint, key, receivedAt)
      })
      const { reasons, status } = SpamScore.judge(signals)
      const draft = {
        ...content,
        submissionId: draftId,
        receivedAt,
        status,
        reasons,
        idempotency: key === null ? null : { key, fingerprint },
        visitorHashes,
        conversation: Submission.conversationOf(fields)
      }
      const stored = Effect.tapError(repo.submit(draft), () => Effect.sync(() => repetitions.forget(fingerprint)))
      return Effect.flatMap(stored, (submissionId) => {
        // If an earlier request stored the submission, its stored status may differ from the draft's.
        const decision = submissionId !== draftId ? "repeated" : status === "accepted" ? "counted" : "quarantined"
        const answer = Option.isNone(plainForm)
          ? HttpServerResponse.text(receipt(submissionId), { contentType: "application/json", headers })
          : page(head, site, plainForm.value.next, submissionId, headers)
        return decision === "quarantined"
          ? recordUncounted(decision, subject)(answer)
          : Effect.succeed(Decisions.withDecision(answer, decision))
      })
    })
  }

  return (payload: SubmissionPayload, key: string | null) =>
    Effect.flatMap(SubmissionBody, (body) => {
      const formData = Json.memberText(body.text, "form_data", payload)
      if (formData === undefined || formData.depth > maxDepth) {
        return Effect.succeed(ErrorResponses.invalid([tooDeep]))
      }
      const toStore = Submission.withoutReserved(formData.text, payload.form_data)
      return checkRateLimit(body.head.address, ({ accepted, headers }) =>
        accepted
          ? Effect.flatMap(directory.bySite(payload.site_id), (found) =>
              Option.isSome(found)
                ? store(body, payload, toStore, key, found.value, headers)
                : Effect.succeed(Decisions.withDecision(ErrorResponses.unknownSite(headers), "unknown-site"))
            ).pipe(
              Effect.catch((error) =>
                error._tag === "IdempotencyConflict"
                  ? Effect.succeed(ErrorResponses.invalid([reusedKey], headers))
                  : ErrorMapping.ofStorage(error, headers)
              )
            )
          : Effect.succeed(ErrorResponses.overLimit(headers))
      )
    })
})

/** Renders an error response as a page if the sender of a plain form accepts HTML. */
const asPage = (head: Parameters<typeof PlainForms.wantsPage>[0], answer: Response): Response =>
  answer.status >= 400 && PlainForms.wantsPage(head) ? PlainForms.ofRefusal(answer, head.headers["origin"]) : answer

const submitted = Layer.effect(
  Submitted,
  Effect.map(Decisions.Decisions, (decisions) => {
    const readBody = Body.make()({ overloaded: ErrorMapping.overloaded })
    const recordUncounted = Decisions.recorder(decisions)
    const decided = Decisions.decided(recordUncounted, "website-config-id", SubmissionBody)

    /** Records the faults of a form whose fields cannot be read, for the website in its URL. */
    const invalidForm = (head: RequestHead, faults: ReadonlyArray<ValidationError>) =>
      recordUncounted(
        "invalid",
        Decisions.claimOf({ site_id: PlainForms.siteOf(head) }, "website-config-id")
      )(ErrorResponses.invalid(faults))

    const withBody = <E, R>(httpEffect: Effect.Effect<Response, E, R>) => {
      const answered = decided(httpEffect)
      return Effect.withFiber<Response, E, Exclude<R, SubmissionBody> | Received | HttpServerRequest.HttpServerRequest>(
        (fiber) => {
          const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
          const { bytes, head, text } = Context.getUnsafe(fiber.context, Received)
          return PlainForms.isPlain(head)
            ? Effect.matchEffect(PlainForms.read(head, bytes), {
                onFailure: (faults) => invalidForm(head, faults),
                onSuccess: (plainForm) => {
                  const json = Option.isSome(plainForm) ? plainForm.value.text : text
                  const body = { head, text: json, plainForm }
                  return Body.withRequest(answered, SubmissionBody, body, Body.withJson(request, { text: json }))
                }
              })
            : Effect.provideService(answered, SubmissionBody, { head, text, plainForm: Option.none() })
        }
      )
    }

    return (httpEffect) => {
      const answer = Effect.map(readBody(withBody(httpEffect)), Decisions.byStatus)
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        PlainForms.isPlain(request)
          ? answer.pipe(
              Effect.catchCause(ErrorResponses.ofDefect),
              Effect.map((response) => asPage(request, response))
            )
          : answer
      )
    }
  })
)

/** Plain forms are declared as payloads too, but `Submitted` has turned them into submissions. */
const isSubmission = (payload: SubmissionPayload | typeof PlainForm.Type): payload is SubmissionPayload =>
  Predicate.isObject(payload.form_data)

const group = (submit: Effect.Success<ReturnType<typeof make>>) =>
  HttpApiBuilder.group(Api, "forms", (handlers) =>
    handlers.handle(
      "submit",
      ({ headers, payload }) =>
        isSubmission(payload)
          ? submit(payload, headers["idempotency-key"] ?? null)
          : Effect.die(new Error("A plain form was not read")),
      // A visitor who leaves the page at once must not cancel the submission.
      { uninterruptible: true }
    )
  )

/** Serves the group. */
export const layer = (options: Options) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const services = yield* Effect.context<Submitted | Traced | Validation>()
      return EndpointGroup.withOnly(group(yield* make(options)), Context.pick(Submitted, Traced, Validation)(services))
    })
  ).pipe(Layer.provideMerge(submitted))
