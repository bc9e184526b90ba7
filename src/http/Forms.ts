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
import { Api } from "../contract/Api.ts"
import type { ValidationError } from "../contract/Errors.ts"
import * as Decision from "../core/Decision.ts"
import * as FormContent from "../core/FormContent.ts"
import * as Origin from "../core/Origin.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import * as Repetitions from "../core/Repetitions.ts"
import type { Site } from "../core/Site.ts"
import * as SpamScore from "../core/SpamScore.ts"
import * as Submission from "../core/Submission.ts"
import { Decisions } from "../services/Decisions.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import type { RecordRefused, StorageUnavailable } from "../services/Storage.ts"
import { type IdempotencyConflict, SubmissionRepo } from "../services/SubmissionRepo.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import * as Decide from "./Decide.ts"
import * as Endpoint from "./Endpoint.ts"
import * as Fallbacks from "./Fallbacks.ts"
import * as FormPages from "./FormPages.ts"
import * as PlainForms from "./PlainForms.ts"
import * as Provenance from "./Provenance.ts"
import * as Refusals from "./Refusals.ts"
import * as RequestBody from "./RequestBody.ts"
import * as Room from "./Room.ts"
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
  (asked: Endpoint.Asked) =>
  (answer: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
    answer.status >= 400 && PlainForms.wantsPage(asked) ? FormPages.ofRefusal(answer, asked.headers["origin"]) : answer

/** The answer to a submission that is stored, as JSON; an id needs no escapes. */
const receipt = (submissionId: string): string => `{"status":"received","submission_id":"${submissionId}"}`

/** What the sender of a plain form sees when it is stored. */
const page = (
  asked: Endpoint.Asked,
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
export class Submit extends Context.Service<Submit, Endpoint.Endpoint>()("hydracore/http/Submit") {}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** The endpoint without a server. */
export const endpoint = (options: Options) =>
  Layer.effect(
    Submit,
    Effect.gen(function* () {
      const admit = Admission.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const repo = yield* SubmissionRepo
      const notCounted = Decide.make(yield* Decisions)
      const repetitions = Repetitions.make(rememberedContents)

      const store = (
        asked: Endpoint.Asked,
        { formData, key, payload }: SubmissionRequest.Asks,
        form: SubmissionRequest.Given["form"],
        site: Site,
        headers: Admission.Headers
      ): Effect.Effect<Endpoint.Answer, StorageUnavailable | RecordRefused | IdempotencyConflict> => {
        const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
        if (!Provenance.isAllowed(asked, site.origins)) {
          return notCounted("foreign-origin", subject)(Answers.foreignOrigin("website", headers))
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
          const marks = FormContent.marksOf(content, {
            hints,
            repetitions: repetitions.see(fingerprint, key, receivedAt)
          })
          const idempotency = key === null ? null : { key, fingerprint }
          const { reasons, status } = SpamScore.judge(marks)
          return { ...content, submissionId: draftId, receivedAt, status, reasons, idempotency }
        }
        return Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const drafted = draft(now)
          return Effect.flatMap(repo.submit(drafted), (submissionId): Effect.Effect<Endpoint.Answer> => {
            // Of what was sent again the draft tells nothing: the one that is stored may have been judged otherwise.
            const decision =
              submissionId !== draftId ? "repeated" : drafted.status === "accepted" ? "counted" : "quarantined"
            if (decision !== "quarantined" && Option.isNone(form)) {
              return Effect.succeed(
                Endpoint.brief(200, { ...headers, [Decision.header]: decision }, receipt(submissionId))
              )
            }
            const answer = Option.isNone(form)
              ? Endpoint.toResponse(Endpoint.brief(200, headers, receipt(submissionId)))
              : page(asked, site, form.value, submissionId, headers)
            return decision === "quarantined"
              ? notCounted(decision, subject)(answer)
              : Effect.succeed(Decide.tell(answer, decision))
          })
        })
      }

      const submit = (
        asked: Endpoint.Asked,
        { body, form }: SubmissionRequest.Given,
        gate: Admission.Gate
      ): Effect.Effect<Endpoint.Answer> => {
        const claim = () => Decide.claimOf(body.value, "website-config-id")
        const asks = SubmissionRequest.readAsks(body, asked.headers["idempotency-key"])
        if (Result.isFailure(asks)) return notCounted("invalid", claim())(Answers.invalid(asks.failure, gate.told))
        return gate.admit(asked.address, ({ accepted, headers }): Effect.Effect<Endpoint.Answer> => {
          if (!accepted) return notCounted("limited", claim())(Answers.overLimit(headers))
          return Effect.catch(
            Effect.flatMap(
              directory.byWebsiteConfigId(asks.success.payload.site_id),
              (site): ReturnType<typeof store> =>
                Option.isSome(site)
                  ? store(asked, asks.success, form, site.value, headers)
                  : notCounted("unknown-site", null)(Answers.unknownSite(headers))
            ),
            (error): Effect.Effect<Endpoint.Answer> =>
              Effect.flatMap(
                error._tag === "IdempotencyConflict"
                  ? Effect.succeed(Answers.invalid([reusedKey], headers))
                  : Refusals.ofStorage(error, headers),
                Decide.ofStorage(notCounted, claim)
              )
          )
        })
      }

      /** The website that a plain form's address names. */
      const addressed = (asked: Endpoint.Asked) =>
        Decide.claimOf({ site_id: PlainForms.siteOf(asked) }, "website-config-id")

      const take = (asked: Endpoint.Asked, bytes: Uint8Array, gate: Admission.Gate) =>
        Effect.matchEffect(SubmissionRequest.readBody(asked, bytes), {
          onSuccess: (given) => submit(asked, given, gate),
          onFailure: ({ errors }): Effect.Effect<Endpoint.Answer> =>
            notCounted("invalid", addressed(asked))(Answers.invalid(errors, gate.told))
        })

      const answer = Room.bounded(
        Admission.gated(admit, take, (asked, bytes, headers) =>
          notCounted(
            "limited",
            addressed(asked) ?? Decide.claimAtOnce(bytes, "website-config-id")
          )(Answers.overLimit(headers))
        )
      )

      return (asked, bytes) =>
        PlainForms.isPlain(asked)
          ? Effect.suspend(() => answer(asked, bytes)).pipe(
              Effect.catchCause(Fallbacks.ofCause),
              Effect.map((given) => asPage(asked)(Endpoint.toResponse(given)))
            )
          : answer(asked, bytes)
    })
  )

/** The endpoint as a group of the contract's; over `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "forms",
  Effect.fnUntraced(function* (handlers) {
    const submit = yield* Submit
    return handlers.handleRaw(
      "submit",
      ({ request }) => {
        const asked = Endpoint.fromRequest(request)
        return Effect.flatMap(RequestBody.readBytes(request), (bytes) => submit(asked, bytes)).pipe(
          Effect.map(Endpoint.toResponse),
          Effect.catch((error) =>
            Effect.fail(error).pipe(
              Effect.catchTags(Refusals.ofBytes),
              Effect.map((answer) => asPage(asked)(Decide.byStatus(answer)))
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
