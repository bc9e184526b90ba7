/**
 * `POST /v1/public/forms/submit`: reads a submission, counts it against the limit, finds its website, stores it, and only
 * then gives its id.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Option, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../contract/Api.ts"
import type { ValidationError } from "../contract/Errors.ts"
import * as Faults from "../contract/Faults.ts"
import { SubmissionPayload } from "../contract/Forms.ts"
import * as Json from "../core/Json.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import * as Submission from "../core/Submission.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import { SubmissionRepo } from "../services/SubmissionRepo.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import * as Refusals from "./Refusals.ts"
import * as RequestBody from "./RequestBody.ts"

const readPayload = Faults.bodyReader(SubmissionPayload)

/** How deeply `form_data` may be nested. Few readers of JSON follow further, and the owner has to read it. */
const maxDepth = 100

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

/** Reads a body and the text of its `form_data`. Pure. */
const readSubmission = (body: RequestBody.Body) =>
  Result.flatMap(readPayload(body.value), (payload) => {
    const formData = Json.memberText(body.text, "form_data")
    return formData === undefined || formData.depth > maxDepth
      ? Result.fail<ReadonlyArray<ValidationError>>([tooDeep])
      : Result.succeed({ payload, formData: formData.text })
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
  return Result.fail(new RequestBody.InvalidBody({ errors }))
}

export const layer = (options: { readonly rateLimit: Option.Option<RateLimitPolicy> }) =>
  HttpApiBuilder.group(
    Api,
    "forms",
    Effect.fnUntraced(function* (handlers) {
      const admit = Admission.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const repo = yield* SubmissionRepo

      return handlers.handleRaw(
        "submit",
        ({ headers, request }) =>
          Effect.gen(function* () {
            const body = yield* RequestBody.read(request)
            const { formData, key, payload } = yield* Effect.fromResult(readRequest(body, headers["idempotency-key"]))
            const admission = yield* admit(request)
            if (!admission.accepted) return Answers.overLimit(admission.headers)
            return yield* Effect.gen(function* () {
              const site = yield* directory.byWebsiteConfigId(payload.site_id)
              if (Option.isNone(site)) return Answers.unknownSite(admission.headers)
              const content = {
                websiteConfigId: site.value.websiteConfigId,
                email: payload.email ?? null,
                pageSlug: payload.page_slug ?? null,
                formData
              }
              const submissionId = yield* repo.submit({
                ...content,
                submissionId: randomUUID(),
                receivedAt: yield* Clock.currentTimeMillis,
                idempotency: key === null ? null : { key, fingerprint: Submission.fingerprint(content) }
              })
              return HttpServerResponse.jsonUnsafe(
                { status: "received", submission_id: submissionId },
                { headers: admission.headers }
              )
            }).pipe(
              Effect.catchTags({
                ...Refusals.ofStorage(admission.headers),
                IdempotencyConflict: () => Effect.succeed(Answers.invalid([reusedKey], admission.headers))
              })
            )
          }).pipe(Effect.catchTags(Refusals.ofBody)),
        // A visitor who leaves at once must not take the submission along.
        { uninterruptible: true }
      )
    })
  )
