/**
 * `token issue`, `token list` and `token revoke`: the tokens with which chat widgets authenticate.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import { positionOf, validityOf } from "../../chat/WidgetToken.ts"
import { WidgetTokens } from "../../chat/WidgetTokens.ts"
import * as Credential from "../../sites/access/Credential.ts"
import * as AllParts from "../support/AllParts.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const issue = Command.make(
  "issue",
  {
    instanceId: Inputs.instance,
    expires: Inputs.expires("token"),
    label: Inputs.label("token")
  },
  Effect.fnUntraced(function* ({ expires, instanceId, label }) {
    const tokens = yield* WidgetTokens
    const now = yield* Clock.currentTimeMillis
    const expiresAt = yield* Inputs.readExpires(expires, now)
    const issued = yield* tokens
      .issue({ reach: "all", instanceId, label, expiresAt })
      .pipe(Effect.catchTag("LimitReached", Output.limitReached))
    if (Option.isNone(issued)) return yield* Output.notFound("instance", instanceId)
    const token = issued.value
    yield* Output.answer({
      json: { token_id: token.token_id, token: token.token, expires_at: token.expires_at },
      text: `${Output.facts([
        ["token_id", token.token_id],
        ["token", token.token],
        ["expires_at", token.expires_at === null ? "never" : Output.moment(Date.parse(token.expires_at))]
      ])}\n`
    })
  })
).pipe(
  Command.withDescription("Issue a token for an instance"),
  Command.withExamples([
    {
      command: 'hydracore token issue --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --expires 90d --label "Shop"',
      description: "A token that expires after ninety days"
    }
  ])
)

const list = Command.make(
  "list",
  { instanceId: Inputs.instance },
  Effect.fnUntraced(function* ({ instanceId }) {
    const directory = yield* InstanceDirectory
    const tokens = yield* WidgetTokens
    if (Option.isNone(yield* directory.find(instanceId))) return yield* Output.notFound("instance", instanceId)
    const listed = yield* AllParts.read(
      (range) => tokens.list({ ...range, reach: "all", instanceId, unrevoked: false }),
      positionOf
    )
    const now = yield* Clock.currentTimeMillis
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["TOKEN_ID", "LABEL", "STATE", "CREATED", "EXPIRES", "REVOKED", "TOKEN"],
        listed.map((token) => [
          token.token_id,
          token.label ?? "-",
          Credential.stateAt(validityOf(token), now),
          Output.moment(Date.parse(token.created_at)),
          Output.moment(validityOf(token).expiresAt),
          Output.moment(validityOf(token).revokedAt),
          token.token ?? "-"
        ]),
        "The instance has no token yet; `hydracore token issue` creates one."
      )
    })
  })
).pipe(
  Command.withDescription(
    "List the tokens of an instance, oldest first. The text of a token is unknown if it is revoked, or if an earlier version issued it"
  )
)

const revoke = Command.make(
  "revoke",
  { tokenId: Inputs.tokenId },
  Effect.fnUntraced(function* ({ tokenId }) {
    const tokens = yield* WidgetTokens
    if (!(yield* tokens.revoke({ reach: "all", tokenId, instanceId: null }))) {
      return yield* Output.notFound("token", tokenId)
    }
    yield* Output.answer({
      json: { token_id: tokenId, revoked: true },
      text: `The token ${tokenId} is revoked.\n`
    })
  })
).pipe(Command.withDescription("Revoke a token; takes effect in every process within a second"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<InstanceDirectory | WidgetTokens, E, R>) =>
  Command.make("token").pipe(
    Command.withDescription("Tokens of chat widgets"),
    Command.withSubcommands([
      issue.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      revoke.pipe(Command.provide(storage))
    ])
  )
