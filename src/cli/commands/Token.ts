/**
 * `token issue`, `token list` and `token revoke`: the tokens with which chat widgets authenticate.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import { validityOf } from "../../chat/WidgetToken.ts"
import * as Credential from "../../sites/access/Credential.ts"
import * as Client from "../client/Client.ts"
import * as Pages from "../client/Pages.ts"
import * as Operator from "../operator/Operator.ts"
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
    const expires_at = yield* Inputs.readExpires(expires, yield* Clock.currentTimeMillis)
    const token = yield* Client.operator(
      Operator.instances,
      { notFound: Output.notFound("instance", instanceId) },
      (instances) =>
        instances.issueToken(instanceId, {
          ...(label !== null && { label }),
          ...(expires_at !== null && { expires_at })
        })
    )
    yield* Output.answer({
      json: token,
      text: Output.facts([
        ["token_id", token.token_id],
        ["token", token.token],
        ["expires_at", token.expires_at === null ? "never" : Output.time(token.expires_at)]
      ])
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
    const listed = yield* Client.operator(
      Operator.instances,
      { notFound: Output.notFound("instance", instanceId) },
      (instances) => Pages.all("tokens", (query: Pages.PageQuery) => instances.listTokens(instanceId, query))
    )
    const now = yield* Clock.currentTimeMillis
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["TOKEN_ID", "LABEL", "STATE", "CREATED", "EXPIRES", "REVOKED", "TOKEN"],
        listed.tokens.map((token) => [
          token.token_id,
          token.label ?? "-",
          Credential.stateAt(validityOf(token), now),
          Output.time(token.created_at),
          Output.time(token.expires_at),
          Output.time(token.revoked_at),
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
    yield* Client.operator(Operator.instances, { notFound: Output.notFound("token", tokenId) }, (instances) =>
      instances.revokeToken(tokenId)
    )
    yield* Output.answer({
      json: { token_id: tokenId, revoked: true },
      text: `The token ${tokenId} is revoked.\n`
    })
  })
).pipe(Command.withDescription("Revoke a token; takes effect in every process within a second"))

export const command = Client.command("token", "Tokens of chat widgets", issue, list, revoke)
