/**
 * The settings of a website's instances.
 *
 * @module
 */
import { Predicate, Result, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { InstanceId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as Maximums from "../sites/Maximums.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as AgentCheck from "./agent/AgentCheck.ts"
import { contactOffers, InstanceSettings, idMakers, memories, protocols } from "./Instance.ts"
import * as InstanceInput from "./InstanceInput.ts"

const base = "/v1/owner/sites/:site_id/instances"
const ofInstance = `${base}/:instance_id`

const site = { site_id: siteId }
export const instanceId = Field.Id(InstanceId, { title: "Instance Id" })
const params = { ...site, instance_id: instanceId }

const { limits } = InstanceInput

const nullableText = Schema.NullOr(Schema.String)

/** An optional field that may be null. */
export const nullable = <A>(jsonSchema: Record<string, unknown>, read: Field.Read<A>) =>
  Schema.optionalKey(
    Field.custom<A | null>({ anyOf: [jsonSchema, { type: "null" }] }, (input) =>
      input === null ? Result.succeed(null) : read(input)
    )
  )

const readCount =
  (max: number): Field.Read<number> =>
  (input) =>
    typeof input === "number" && Number.isInteger(input) && input >= 1 && input <= max
      ? Result.succeed(input)
      : Field.fail("value_error", `Value error, a whole number from 1 to ${max} is expected`)

const count = (max: number) =>
  Schema.optionalKey(Field.custom<number>({ type: "integer", minimum: 1, maximum: max }, readCount(max)))

export const agentUrl = Fields.parsed(
  {
    type: "string",
    format: "uri",
    description: "The base URL of the agent's API, or the URL of its completions endpoint, on the public internet"
  },
  InstanceInput.parseAgentUrl,
  "an address that begins with http:// or https:// and holds no credentials is expected"
)

/** Reads with `read`, whose failure says what is expected. */
const expecting =
  <A>(read: (input: unknown) => Result.Result<A, string>): Field.Read<A> =>
  (input) =>
    Result.mapError(read(input), (expected) => ({ type: "value_error", msg: `Value error, expected ${expected}` }))

/** The settings that requests may leave out. */
export const common = {
  agent_protocol: Fields.choice(protocols, { title: "Agent Protocol" }),
  agent_model: nullable(
    {
      type: "string",
      minLength: 1,
      description: "The model to name in requests to the agent; null lets the agent choose"
    },
    Fields.readName
  ),
  agent_key: nullable(
    {
      type: "string",
      writeOnly: true,
      description: "The agent's key itself, stored encrypted and never shown; null for none"
    },
    Fields.readParsed(InstanceInput.parseKey, `a key of 1 to ${limits.key} printable ASCII characters is expected`)
  ),
  agent_key_header: nullable(
    { type: "string", description: "The header that carries the key, such as `api-key`; null for the protocol's own" },
    Fields.readParsed(
      InstanceInput.parseKeyHeader,
      "the name of a header that carries a key is expected, such as api-key"
    )
  ),
  agent_body: nullable(
    {
      type: "object",
      writeOnly: true,
      minProperties: 1,
      maxProperties: InstanceInput.limits.fields,
      description:
        "Additional fields of each request to the agent, such as `temperature`, stored encrypted; null for none. Fields that the service sets, such as `model` and `messages`, are refused"
    },
    expecting(InstanceInput.readBody)
  ),
  agent_headers: nullable(
    {
      type: "object",
      writeOnly: true,
      minProperties: 1,
      maxProperties: InstanceInput.limits.headers,
      additionalProperties: { type: "string" },
      description: "Additional headers of each request to the agent, stored encrypted; null for none"
    },
    expecting((input) => InstanceInput.readHeaders(Predicate.isObject(input) ? Object.entries(input) : []))
  ),
  memory: Fields.choice(memories, { title: "Memory" }),
  conversation_ids: Fields.choice(idMakers, { title: "Conversation Ids" }),
  instructions: nullable(
    { type: "string", maxLength: limits.instructions, description: "The system prompt; null for none" },
    Fields.readParsed(InstanceInput.parseInstructions, `a text of 1 to ${limits.instructions} characters is expected`)
  ),
  history: count(limits.historyMessages),
  history_characters: count(limits.historyCharacters),
  max_tokens: count(limits.maxTokens),
  daily_tokens: nullable(
    { type: "integer", minimum: 1, description: "The maximum number of tokens in a UTC day; null for no limit" },
    readCount(limits.dailyTokens)
  ),
  contact: Fields.choice(contactOffers, { title: "Contact" }),
  origins: Schema.optionalKey(Fields.origins("The origins whose pages may use the instance; empty for any"))
}

export const NewInstance = Schema.Struct({ name: Fields.name("Name"), agent_url: agentUrl, ...common }).annotate({
  identifier: "NewInstance",
  examples: [{ name: "Support", agent_url: "https://agent.example.com/v1", agent_key: "secret" }]
})

export const InstanceChange = Schema.Struct({
  name: Schema.optionalKey(Fields.name("Name")),
  agent_url: Schema.optionalKey(agentUrl),
  ...common
}).annotate({
  identifier: "InstanceChange",
  examples: [{ instructions: "Answer in one sentence." }]
})

export const AgentQuestion = Schema.Struct({
  question: Fields.parsed(
    { type: "string", minLength: 1, maxLength: limits.question, description: "What a visitor could ask" },
    InstanceInput.parseQuestion,
    `a text of 1 to ${limits.question} characters is expected`
  )
}).annotate({
  identifier: "AgentQuestion",
  examples: [{ question: "When are you open?" }]
})

export const AgentTest = Schema.Struct({
  answered: Schema.Boolean,
  text: nullableText.annotate({
    description:
      "The beginning of the answer, of at most 500 characters; null without text, also if the agent only reasoned"
  }),
  first_word_millis: Schema.NullOr(Schema.Int),
  millis: Schema.Int.annotate({ description: "How long the test took" }),
  problem: Schema.NullOr(Schema.Literals(AgentCheck.problems)).annotate({
    description: [
      "Why the agent does not answer; null if it does.",
      "`key`: it refuses the key.",
      "`no-key`: the service does not have the key.",
      "`address`: there is no such endpoint or model, or it redirects.",
      "`not-public`: the host was not found on the public internet.",
      "`certificate`: its certificate is not valid.",
      "`unreachable`: no connection.",
      "`quota`: the key's quota or rate limit is used up.",
      "`daily-tokens`: the instance has used its tokens of the day.",
      "`busy`: it is overloaded or starting.",
      "`request`: it refuses the question: the protocol or the model is wrong.",
      "`failing`: it fails.",
      "`silent`: no word in 30 seconds.",
      "`no-answer`: it accepted the question, and its response contains no answer."
    ].join(" ")
  }),
  status: Schema.NullOr(Schema.Int).annotate({ description: "The HTTP status with which the agent refused" })
}).annotate({
  identifier: "AgentTest",
  examples: [
    { answered: true, text: "We open at nine.", first_word_millis: 412, millis: 640, problem: null, status: null }
  ]
})

const rules =
  "The agent must be on the public internet, on port 80 or 443, and `agent_key` must be the key itself. Only the commands `hydracore instance create` and `update` can set other addresses, or the name of an environment variable that holds the key."

export const create = HttpApiEndpoint.post("create", base, {
  params: site,
  payload: NewInstance,
  success: InstanceSettings
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "create_instance",
      summary: "Create an instance",
      description: `Connects an agent to the website. ${rules}`,
      maximums: [Maximums.instances]
    })
  )

export const read = HttpApiEndpoint.get("read", ofInstance, {
  params,
  success: InstanceSettings
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "read_instance",
      summary: "Read an instance",
      description: "The settings of an instance, without its key and the values of what it adds to requests."
    })
  )

export const update = HttpApiEndpoint.patch("update", ofInstance, {
  params,
  payload: InstanceChange,
  success: InstanceSettings
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "update_instance",
      summary: "Change an instance",
      description: `Changes the given settings, on every process within a second. A new address does not receive the key, the fields and the headers of the previous one: give them with it. ${rules}`
    })
  )

export const remove = HttpApiEndpoint.delete("delete", ofInstance, {
  params,
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_instance",
      summary: "Delete an instance",
      description: "Deletes an instance with its tokens and conversations."
    })
  )

export const test = HttpApiEndpoint.post("test", `${ofInstance}/test`, {
  params,
  payload: AgentQuestion,
  success: AgentTest
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "test_instance",
      summary: "Try an instance",
      description:
        "Sends the agent a question, as a chat without history would, and returns the beginning of its answer. Nothing is stored; the tokens count towards `daily_tokens`."
    })
  )

export class InstancesGroup extends HttpApiGroup.make("instances")
  .add(create, read, update, remove, test)
  .annotateMerge(OpenApi.annotations({ title: "Instances", description: "The agents that visitors chat with" })) {}
