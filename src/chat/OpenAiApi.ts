/**
 * Chat with an instance's agent for clients of OpenAI's API: `baseURL` is `…/v1/public/widget/{instance_id}/openai/v1`, and
 * the key is a widget token.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "../platform/contract/Errors.ts"
import * as Field from "../platform/contract/Field.ts"
import * as Headers from "../platform/contract/Headers.ts"
import { streamed } from "../platform/contract/OpenApi.ts"
import { done } from "./ChatFrame.ts"
import { Messages } from "./ClientMessages.ts"
import { type Admitted, ConversationBody, OpenAiForm, OpenAiValidation, SendsMessage } from "./WidgetApi.ts"

const base = "/v1/public/widget/:instance_id/openai/v1"

/** Whether a path is that of a client of OpenAI's API, which expects errors in OpenAI's form. */
export const isOpenAiPath = (path: string): boolean => /^\/v1\/public\/widget\/[^/]+\/openai(\/|$)/i.test(path)

/** The only model. The instance's owner chooses the model that the agent uses. */
export const model = "assistant"

const params = {
  instance_id: Schema.String.annotate({ title: "Instance Id", format: "uuid", examples: [Field.exampleUuid] })
}

const nullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

export const CompletionPayload = Schema.Struct({
  messages: Messages,
  model: nullable(Schema.String).annotate({ description: "Ignored. Responses name `assistant`." }),
  stream: nullable(Schema.Boolean),
  stream_options: nullable(Schema.Struct({ include_usage: nullable(Schema.Boolean) })),
  metadata: nullable(
    Schema.Struct({
      conversation_id: nullable(Schema.String).annotate({
        description: "Requests with the same id and the same first message are stored as one conversation"
      })
    })
  )
}).annotate({
  identifier: "ChatCompletionRequest",
  description: "All other parameters of OpenAI's API are ignored.",
  // The OpenAPI document shows the encoded value.
  examples: [{ model, messages: [{ role: "user", content: "When do you open?" }] as never, stream: true }]
})

export type CompletionPayload = typeof CompletionPayload.Type

const Usage = Schema.Struct({
  prompt_tokens: Schema.Int,
  completion_tokens: Schema.Int,
  total_tokens: Schema.Int
}).annotate({ description: "The token counts that the agent reports" })

const Annotation = Schema.Struct({
  type: Schema.Literal("url_citation"),
  url_citation: Schema.Struct({
    url: Schema.String,
    title: Schema.String,
    start_index: Schema.Int,
    end_index: Schema.Int
  })
}).annotate({ description: "A page that the answer relies on. The cited range is empty." })

const FinishReason = Schema.Literals(["stop", "length", "content_filter"])

const common = { id: Schema.String, created: Schema.Int, model: Schema.String }

const exampleCommon = { id: "chatcmpl-0d3b7c52", created: 1_795_597_200, model }

export const Completion = Schema.Struct({
  ...common,
  object: Schema.Literal("chat.completion"),
  choices: Schema.Array(
    Schema.Struct({
      index: Schema.Int,
      message: Schema.Struct({
        role: Schema.Literal("assistant"),
        content: Schema.String,
        refusal: Schema.Null,
        annotations: Schema.optionalKey(Schema.Array(Annotation))
      }),
      logprobs: Schema.Null,
      finish_reason: FinishReason
    })
  ),
  usage: Schema.optionalKey(Usage)
}).annotate({
  identifier: "ChatCompletion",
  examples: [
    {
      ...exampleCommon,
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "From nine to five.", refusal: null },
          logprobs: null,
          finish_reason: "stop"
        }
      ]
    }
  ]
})

const Chunk = Schema.Struct({
  ...common,
  object: Schema.Literal("chat.completion.chunk"),
  choices: Schema.Array(
    Schema.Struct({
      index: Schema.Int,
      delta: Schema.Struct({
        role: Schema.optionalKey(Schema.Literal("assistant")),
        content: Schema.optionalKey(Schema.String),
        annotations: Schema.optionalKey(Schema.Array(Annotation))
      }),
      logprobs: Schema.Null,
      finish_reason: Schema.NullOr(FinishReason)
    })
  ),
  usage: nullable(Usage)
}).annotate({ identifier: "ChatCompletionChunk" })

const exampleChunk: typeof Chunk.Type = {
  ...exampleCommon,
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta: { content: "From nine to five." }, logprobs: null, finish_reason: null }]
}

/** The body of an error response, and the data of the last event before `[DONE]` in a failed stream. */
export const OpenAiError = Schema.Struct({
  error: Schema.Struct({
    message: Schema.String.annotate({ description: "A sentence with the next step for the reader" }),
    type: Schema.String,
    code: Schema.NullOr(Schema.String),
    param: Schema.NullOr(Schema.String)
  })
}).annotate({ identifier: "OpenAiError" })

export type OpenAiError = typeof OpenAiError.Type

const CompletionEvent = Schema.Struct({
  data: Schema.Union([Schema.Literal(done), Schema.fromJsonString(Schema.Union([Chunk, OpenAiError]))])
}).annotate({
  identifier: "ChatCompletionEvent",
  // The OpenAPI document shows the encoded value.
  examples: [{ data: JSON.stringify(exampleChunk) as never }]
})

const refusalWith = <Fields extends Schema.Struct.Fields>(
  status: number,
  name: string,
  description: string,
  headers: Fields
) =>
  HttpApiSchema.WithHeaders(
    Schema.Struct(OpenAiError.fields)
      .annotate({ identifier: `OpenAi${name}`, title: `OpenAi${name}`, description })
      .pipe(HttpApiSchema.status(status)),
    headers
  )

const limited = { ...Headers.rateLimit, ...Headers.retryAfter, ...Headers.shouldRetry, ...Headers.decision }

const refusal = (status: number, name: string, description: string) => refusalWith(status, name, description, limited)

const [, requestTimeout, expectationFailed, headTooLarge] = Errors.unhandled

/** The errors for requests that do not reach the endpoint, and for failures. The router's have OpenAI's form. */
const unhandled = [
  refusalWith(405, "MethodNotAllowed", "The path has other methods; see Allow", {
    ...Headers.allow,
    ...Headers.decision
  }),
  requestTimeout,
  expectationFailed,
  headTooLarge,
  refusalWith(
    500,
    "InternalServerError",
    "The service failed; X-Error-Id names the failure in its log",
    Headers.errorId
  )
] as const

const Unauthorized = refusal(401, "Unauthorized", "The key is not a valid widget token of this instance")

const refusals = [
  refusal(400, "BadRequest", "The request is not valid, or the agent refuses it"),
  Unauthorized,
  refusal(403, "Forbidden", "A browser on an origin that is not allowed"),
  refusal(429, "TooManyRequests", "Over the rate limit, or the tokens of the day are used; see Retry-After"),
  refusal(503, "ServiceUnavailable", "The agent or the service is busy; see Retry-After")
] as const

/** The widget token as a bearer token; see `WidgetTokenSecurity`. */
export class WidgetKeySecurity extends HttpApiMiddleware.Service<WidgetKeySecurity, { provides: Admitted }>()(
  "hydracore/chat/WidgetKeySecurity",
  {
    error: Unauthorized,
    security: {
      widgetKey: HttpApiSecurity.bearer.pipe(
        HttpApiSecurity.annotate(OpenApi.Description, "A widget token of the instance, as a bearer token.")
      )
    }
  }
) {}

export const completions = HttpApiEndpoint.post("completions", `${base}/chat/completions`, {
  params,
  payload: CompletionPayload,
  success: [
    HttpApiSchema.WithHeaders(HttpApiSchema.StreamSse({ events: CompletionEvent }), {
      ...Headers.rateLimit,
      ...Headers.eventStream
    }),
    Completion
  ],
  error: [
    ...unhandled,
    ...refusals,
    refusal(413, "PayloadTooLarge", "The body is too large"),
    refusal(502, "BadGateway", "The agent refused, broke off, or could not be reached"),
    refusal(504, "GatewayTimeout", "The agent did not answer in time")
  ]
})
  .middleware(OpenAiValidation)
  .middleware(WidgetKeySecurity)
  .middleware(ConversationBody)
  .middleware(OpenAiForm)
  .annotate(SendsMessage, true)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "openai_chat_completions",
      transform: streamed("The agent's answer, in the protocol of the client"),
      summary: "OpenAI chat completions",
      description:
        "The agent's answer to the last message, as a stream or at once. Only the text of `user` and `assistant` messages is passed on."
    })
  )

const Model = Schema.Struct({
  id: Schema.String,
  object: Schema.Literal("model"),
  created: Schema.Int,
  owned_by: Schema.String
})

const exampleModel: typeof Model.Type = { id: model, object: "model", created: 0, owned_by: "hydracore" }

export const models = HttpApiEndpoint.get("models", `${base}/models`, {
  params,
  success: HttpApiSchema.WithHeaders(
    Schema.Struct({
      object: Schema.Literal("list"),
      data: Schema.Array(Model)
    }).annotate({
      identifier: "ModelList",
      examples: [{ object: "list", data: [exampleModel] }]
    }),
    Headers.rateLimit
  ),
  error: [...unhandled, ...refusals]
})
  .middleware(WidgetKeySecurity)
  .middleware(OpenAiForm)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "openai_models",
      summary: "OpenAI models",
      description: "One model, `assistant`, for clients that list the models before they chat."
    })
  )

export const retrieveModel = HttpApiEndpoint.get("model", `${base}/models/:model`, {
  params: { ...params, model: Schema.String.annotate({ title: "Model", examples: [model] }) },
  success: HttpApiSchema.WithHeaders(
    Schema.Struct(Model.fields).annotate({ identifier: "Model", examples: [exampleModel] }),
    Headers.rateLimit
  ),
  error: [...unhandled, ...refusals, refusal(404, "NotFound", "There is no such model")]
})
  .middleware(WidgetKeySecurity)
  .middleware(OpenAiForm)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "openai_model",
      summary: "OpenAI model",
      description: "The model `assistant`, for clients that look up the model before they chat."
    })
  )

export class OpenAiGroup extends HttpApiGroup.make("openai")
  .add(completions, models, retrieveModel)
  .annotateMerge(OpenApi.annotations({ title: "OpenAI", description: "Chat for clients of OpenAI's API" })) {}
