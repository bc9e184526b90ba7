/**
 * Parses a request to `forms/submit`: its body, which is JSON or a plain HTML form, the text of its `form_data`, and its
 * `Idempotency-Key`. Reports the faults of the body and those of the key together.
 *
 * @module
 */
import { Effect, Option, Result } from "effect"
import * as BodyReader from "../contract/BodyReader.ts"
import type { ValidationError } from "../contract/Errors.ts"
import * as FormContent from "../core/forms/FormContent.ts"
import * as JsonMembers from "../core/json/JsonMembers.ts"
import type { RequestHead } from "../http/request/RequestHead.ts"
import * as RequestBody from "../platform/http/RequestBody.ts"
import { SubmissionPayload } from "./Api.ts"
import * as PlainForms from "./PlainForms.ts"

const readPayload = BodyReader.make(SubmissionPayload)

/** The maximum nesting depth of `form_data`: many JSON parsers accept no more, and the owner's programs must read the data. */
const maxDepth = 100

const tooDeep: ValidationError = {
  type: "value_error",
  loc: ["body", "form_data"],
  msg: `Value error, nested more than ${maxDepth} levels deep; reduce the nesting`
}

const badKey: ValidationError = {
  type: "value_error",
  loc: ["header", "idempotency-key"],
  msg: "Value error, an Idempotency-Key is 1 to 255 printable ASCII characters"
}

/** Parses an `Idempotency-Key` header. Pure. */
const idempotencyKey = (header: string | undefined): Result.Result<string | null, ValidationError> =>
  header === undefined
    ? Result.succeed(null)
    : /^[\x20-\x7e]{1,255}$/.test(header)
      ? Result.succeed(header)
      : Result.fail(badKey)

/** Parses a body and extracts the text of its `form_data` without the reserved fields. Pure. */
const readSubmission = (body: RequestBody.Body) =>
  Result.flatMap(readPayload(body.value), (payload) => {
    const formData = JsonMembers.memberText(body.text, "form_data", body.value)
    return formData === undefined || formData.depth > maxDepth
      ? Result.fail<ReadonlyArray<ValidationError>>([tooDeep])
      : Result.succeed({ payload, formData: FormContent.withoutReserved(formData.text, payload.form_data) })
  })

/** Parses a body and an `Idempotency-Key` header; fails with the faults of both. Pure. */
export const parseSubmission = (body: RequestBody.Body, header: string | undefined) => {
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

/** A valid submission. */
export type ParsedSubmission = Result.Result.Success<ReturnType<typeof parseSubmission>>

/** A body that has been read but not validated. */
export interface ReceivedBody {
  readonly body: RequestBody.Body
  /** The plain form, if the body was one. */
  readonly plainForm: Option.Option<PlainForms.Form>
}

/** Reads the bytes of a body as a plain form or as JSON. */
export const readBody = (
  head: RequestHead,
  bytes: Uint8Array
): Effect.Effect<ReceivedBody, RequestBody.InvalidBody> => {
  const json = () => Effect.fromResult(RequestBody.parse(bytes, head.headers["content-type"]))
  const none = Option.none<PlainForms.Form>()
  return PlainForms.isPlain(head)
    ? Effect.flatMap(PlainForms.read(head, bytes), (plainForm) =>
        Option.isSome(plainForm)
          ? Effect.succeed({ body: plainForm.value.body, plainForm })
          : Effect.map(json(), (body) => ({ body, plainForm: none }))
      )
    : Effect.map(json(), (body) => ({ body, plainForm: none }))
}
