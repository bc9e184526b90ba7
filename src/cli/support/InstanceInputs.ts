/**
 * The flags of instances and of their conversations.
 *
 * @module
 */
import { Effect, FileSystem, Option } from "effect"
import { type CliError, Flag } from "effect/cli"
import { contactOffers, protocols } from "../../chat/Instance.ts"
import * as InstanceInput from "../../chat/InstanceInput.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import { countKind, type Kind, make, nameKind, optional, siteOf, withoutValue, wrong } from "./Inputs.ts"

const agentUrlKind: Kind<string> = {
  expected: "an address that begins with http:// or https:// and holds no credentials (see --agent-key-env)",
  parse: InstanceInput.parseAgentUrl
}

const variableKind: Kind<string> = {
  expected: "the name of an environment variable such as AGENT_KEY: letters, digits and underscores",
  parse: InstanceInput.parseVariable
}

const headerKind: Kind<string> = {
  expected: "the name of a header that carries a key, such as api-key",
  parse: InstanceInput.parseKeyHeader
}

export const agentUrl = make(
  "agent-url",
  agentUrlKind,
  "<url>",
  "The base URL of the agent's API, or the URL of its endpoint that answers messages"
)

export const newAgentUrl = optional(agentUrl)

export const agentModel = optional(
  make("agent-model", nameKind, "<text>", "The model that is named in requests to the agent")
)

export const agentKeyEnv = optional(
  make("agent-key-env", variableKind, "<name>", "The service's environment variable that holds the agent's key")
)

export const agentKeyHeader = optional(
  make(
    "agent-key-header",
    headerKind,
    "<name>",
    "The header that carries the key, such as api-key; without the flag, the protocol's own"
  )
)

const choice = <const Words extends ReadonlyArray<string>>(flag: string, words: Words, description: string) =>
  optional(Flag.Literals(flag, words).pipe(Flag.withDescription(description)))

export const agentProtocol = choice("agent-protocol", protocols, "The agent's protocol; a new instance has openai-chat")

export const memory = choice(
  "memory",
  ["edge", "agent"],
  "edge: the service keeps conversations and sends their history; agent: the agent keeps them; a new instance has edge"
)

export const conversationIds = choice(
  "conversation-ids",
  ["service", "client"],
  "service: only ids that the service makes have memory; client: random ids from your application too; a new instance has service"
)

export const contact = choice(
  "contact",
  contactOffers,
  "When the chat offers a visitor to leave an address: failed (after an answer failed), always or off; a new instance has failed"
)

/** The flag that a person gives for a field that the service sets. */
const inFlags = (expected: string): string =>
  expected.replace(/\(see ([a-z_]+)\)$/, (_, setting: string) => `(see --${setting.replaceAll("_", "-")})`)

/** The text itself, or the contents of the file whose path follows an `@`. */
const readText = Effect.fnUntraced(function* (
  flag: string,
  value: string
): Effect.fn.Return<string, CliError.CliError, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  if (!value.startsWith("@")) return value
  return yield* files
    .readFileString(value.slice(1))
    .pipe(
      Effect.mapError(({ reason }) =>
        wrong(flag, `a text, or @ and the path of a file that can be read${SystemErrorCode.suffix(reason.cause)}`)
      )
    )
})

export const agentBody = optional(
  Flag.String("agent-body").pipe(
    Flag.withMetavar("<json|@file>"),
    Flag.withDescription(
      'Additional fields of each request to the agent, as a JSON object such as {"temperature": 0.2}, stored encrypted with SECRETS_KEY; @ and a path reads them from a file'
    ),
    Flag.mapEffect((value) =>
      Effect.flatMap(readText("agent-body", value), (text) =>
        Effect.mapError(Effect.fromResult(InstanceInput.parseBody(text)), (expected) =>
          wrong("agent-body", inFlags(expected))
        )
      )
    )
  )
)

/** Null without the flag. */
export const agentHeaders: Flag.Flag<InstanceInput.Headers | null> = Flag.String("agent-header").pipe(
  Flag.withMetavar("<name: value>"),
  Flag.withDescription(
    "An additional header of each request to the agent, stored encrypted with SECRETS_KEY; repeatable; in update, replaces the current ones"
  ),
  Flag.atLeast(0),
  // Without a default, help shows the flag as required.
  Flag.withDefault<ReadonlyArray<string>>([]),
  Flag.mapEffect((lines) =>
    lines.length === 0
      ? Effect.succeed(null)
      : Effect.mapError(
          Effect.fromResult(InstanceInput.readHeaders(lines.map(InstanceInput.splitHeader))),
          (expected) => wrong("agent-header", inFlags(expected))
        )
  )
)

const { limits } = InstanceInput

const instructionsExpected = `a text of 1 to ${limits.instructions} characters, or @ and the path of a file with one`

const readInstructions = Effect.fnUntraced(function* (
  value: string
): Effect.fn.Return<string, CliError.CliError, FileSystem.FileSystem> {
  const parsed = InstanceInput.parseInstructions(yield* readText("instructions", value))
  return Option.isSome(parsed) ? parsed.value : yield* wrong("instructions", instructionsExpected)
})

export const instructions = optional(
  Flag.String("instructions").pipe(
    Flag.withMetavar("<text|@file>"),
    Flag.withDescription("The system prompt, with --memory edge; @ and a path reads it from a file"),
    Flag.mapEffect(readInstructions)
  )
)

const count = (flag: string, max: number, description: string) =>
  optional(make(flag, countKind(max), "<number>", description))

export const history = count(
  "history",
  limits.historyMessages,
  "The maximum number of messages of a conversation that are sent to the agent; a new instance has 40"
)

export const historyCharacters = count(
  "history-characters",
  limits.historyCharacters,
  "The maximum number of characters of a conversation that are sent to the agent; a new instance has 60000"
)

export const maxTokens = count(
  "max-tokens",
  limits.maxTokens,
  "The maximum number of tokens of one answer; a new instance has 4096"
)

export const dailyTokens = count(
  "daily-tokens",
  limits.dailyTokens,
  "The maximum number of tokens that the instance may use in a day (UTC); a new instance has no limit"
)

export const site = optional(siteOf("The website_config_id or the name of the website that the instance serves"))

export const noCheck = withoutValue("no-check", "Do not send the agent a test question")

const conversationKind: Kind<string> = {
  expected: "the id of a conversation, of 1 to 200 characters",
  parse: Option.liftPredicate((text) => text !== "" && text.length <= 200)
}

export const conversation = make(
  "conversation",
  conversationKind,
  "<id>",
  "The conversation_id, as listed or as the client created it"
)

export const limit = make(
  "limit",
  countKind(1_000),
  "<number>",
  "The maximum number of conversations; 50 unless given"
).pipe(Flag.withDefault(50))
