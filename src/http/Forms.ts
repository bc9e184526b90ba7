/**
 * `POST /v1/public/forms/submit`: reads a submission (JSON, or a plain HTML form), counts it against the limit, finds its
 * website, judges it, stores it, and only then gives its id.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Option, Result } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../contract/Api.ts"
import type { ValidationError } from "../contract/Errors.ts"
import * as Faults from "../contract/Faults.ts"
import { SubmissionPayload } from "../contract/Forms.ts"
import * as FormContent from "../core/FormContent.ts"
import * as Json from "../core/Json.ts"
import * as Origin from "../core/Origin.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import * as Repetitions from "../core/Repetitions.ts"
import type { Site } from "../core/Site.ts"
import * as SpamScore from "../core/SpamScore.ts"
import * as Submission from "../core/Submission.ts"
import { Decisions } from "../services/Decisions.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import { SubmissionRepo } from "../services/SubmissionRepo.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import * as Decide from "./Decide.ts"
import * as FormPages from "./FormPages.ts"
import * as PlainForms from "./PlainForms.ts"
import * as Provenance from "./Provenance.ts"
import * as Refusals from "./Refusals.ts"
import * as RequestBody from "./RequestBody.ts"

const readPayload = Faults.bodyReader(SubmissionPayload)

/** How deeply `form_data` may be nested. Few readers of JSON follow further, and the owner has to read it. */
const maxDepth = 100

/** How many contents are remembered to tell repetitions. */
const rememberedContents = 10_000

const tooDeep: ValidationError = {
  type: "value_error",
  loc: ["body", "form_data"],
  msg: `Value error, nested more than ${maxDepth} levels deep; send it flatter`
}

const badKey: ValidationError = {
  type: "value_error",
  loc: ["header", "idempotency-key"],
  msg: "Value error, an Idempotency-Key is 1 to 255 printable ASCII characters"
}

const reusedKey: ValidationError = {
  type: "value_error",
  loc: ["header", "idempotency-key"],
  msg: "Value error, this Idempotency-Key was used for another submission; use a new key"
}

/** Reads an `Idempotency-Key` header. Pure. */
const idempotencyKey = (header: string | undefined): Result.Result<string | null, ValidationError> =>
  header === undefined
    ? Result.succeed(null)
    : /^[\x20-\x7e]{1,255}$/.test(header)
      ? Result.succeed(header)
      : Result.fail(badKey)

/** Reads a body and the text of its `form_data`, without the reserved fields. Pure. */
const readSubmission = (body: RequestBody.Body) =>
  Result.flatMap(readPayload(body.value), (payload) => {
    const formData = Json.memberText(body.text, "form_data")
    return formData === undefined || formData.depth > maxDepth
      ? Result.fail<ReadonlyArray<ValidationError>>([tooDeep])
      : Result.succeed({ payload, formData: FormContent.withoutReserved(formData.text, payload.form_data) })
  })

/** Every fault of a request, or what it asks for. Pure. */
const readRequest = (body: RequestBody.Body, header: string | undefined) => {
  const submission = readSubmission(body)
  const key = idempotencyKey(header)
  if (Result.isSuccess(submission) && Result.isSuccess(key)) {
    return Result.succeed({ ...submission.success, key: key.success })
  }
  const errors = [
    ...Option.getOrElse(Result.getFailure(submission), () => []),
    ...Option.toArray(Result.getFailure(key))
  ]
  return Result.fail(errors)
}

/** The answer to a submission that is stored: a receipt, or what a plain form's sender sees. */
const receipt = (
  request: HttpServerRequest.HttpServerRequest,
  site: Site,
  form: Option.Option<PlainForms.Form>,
  submissionId: string,
  headers: Record<string, string>
) => {
  if (Option.isNone(form)) {
    return HttpServerResponse.jsonUnsafe({ status: "received", submission_id: submissionId }, { headers })
  }
  const address = Origin.returnAddress(site.origins, {
    next: form.value.next,
    referer: request.headers["referer"]
  })
  return address === null ? FormPages.thanks(submissionId, headers) : FormPages.onward(address, headers)
}

export const layer = (options: { readonly rateLimit: Option.Option<RateLimitPolicy> }) =>
  HttpApiBuilder.group(
    Api,
    "forms",
    Effect.fnUntraced(function* (handlers) {
      const admit = Admission.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const repo = yield* SubmissionRepo
      const notCounted = Decide.make(yield* Decisions)
      const repetitions = Repetitions.make(rememberedContents)

      /** The body of a request, and the plain form that it was, if it was one. */
      const read = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
        const bytes = yield* RequestBody.readBytes(request)
        const form = yield* PlainForms.read(request, bytes)
        const body = Option.isSome(form)
          ? form.value.body
          : yield* Effect.fromResult(RequestBody.parse(bytes, request.headers["content-type"]))
        return { body, form }
      })

      const submit = Effect.fnUntraced(function* (
        request: HttpServerRequest.HttpServerRequest,
        { body, form }: { readonly body: RequestBody.Body; readonly form: Option.Option<PlainForms.Form> }
      ) {
        const claim = () => Decide.claimOf(body.value, "website-config-id")
        const asked = readRequest(body, request.headers["idempotency-key"])
        if (Result.isFailure(asked)) return yield* notCounted("invalid", claim())(Answers.invalid(asked.failure))
        const { formData, key, payload } = asked.success
        const { accepted, headers } = yield* admit(request)
        if (!accepted) return yield* notCounted("limited", claim())(Answers.overLimit(headers))

        return yield* Effect.gen(function* () {
          const found = yield* directory.byWebsiteConfigId(payload.site_id)
          if (Option.isNone(found)) return yield* notCounted("unknown-site", null)(Answers.unknownSite(headers))
          const site = found.value
          const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
          if (!Provenance.isAllowed(request, site.origins)) {
            return yield* notCounted("foreign-origin", subject)(Answers.foreignOrigin("website", headers))
          }
          const content = {
            websiteConfigId: site.websiteConfigId,
            email: payload.email ?? null,
            pageSlug: payload.page_slug ?? null,
            formData
          }
          const fingerprint = Submission.fingerprint(content)
          const receivedAt = yield* Clock.currentTimeMillis
          const hints = FormContent.hintsOf(Option.isSome(form) ? form.value.reserved : payload.form_data)
          const { reasons, status } = SpamScore.judge(
            FormContent.marksOf(content, { hints, repetitions: repetitions.see(fingerprint, key, receivedAt) })
          )
          const draftId = randomUUID()
          const submissionId = yield* repo.submit({
            ...content,
            submissionId: draftId,
            receivedAt,
            status,
            reasons,
            idempotency: key === null ? null : { key, fingerprint }
          })
          const answer = receipt(request, site, form, submissionId, headers)
          if (status === "accepted") return Decide.tell(answer, "counted")
          // What was sent again was counted the first time.
          return yield* notCounted("quarantined", submissionId === draftId ? subject : null)(answer)
        }).pipe(
          Effect.catchTags({
            ...Refusals.ofStorage(headers),
            IdempotencyConflict: () => Effect.succeed(Answers.invalid([reusedKey], headers))
          }),
          Effect.flatMap(Decide.ofStorage(notCounted, claim))
        )
      })

      return handlers.handleRaw(
        "submit",
        ({ request }) =>
          Effect.flatMap(read(request), (given) => submit(request, given)).pipe(
            Effect.catchTags({
              ...Refusals.ofBody,
              InvalidBody: ({ errors }) =>
                notCounted(
                  "invalid",
                  Decide.claimOf({ site_id: PlainForms.siteOf(request) }, "website-config-id")
                )(Answers.invalid(errors))
            }),
            Effect.map((answer) => {
              const told = Decide.orInvalid(answer)
              return told.status >= 400 && PlainForms.wantsPage(request) ? FormPages.ofRefusal(told) : told
            })
          ),
        // A visitor who leaves at once must not take the submission along.
        { uninterruptible: true }
      )
    })
  )
