/**
 * `conversation list`, `show`, `export` and `delete`: the conversations that the service stores for an instance. With `--site`, they
 * are clients of the owner API; without, only the operator may use them.
 *
 * @module
 */

import { Clock, Effect, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import * as Sources from "../../analytics/reports/Sources.ts"
import * as Transcript from "../../chat/conversations/Transcript.ts"
import { ConversationId, type InstanceId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import type * as Failures from "../client/Failures.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as InstanceInputs from "../support/InstanceInputs.ts"
import * as Output from "../support/Output.ts"

/** The id of the website that `--site` names; null without the flag, which a running service needs. */
const siteOf = Effect.fnUntraced(function* (site: string | null) {
  const { url } = yield* Client.Client
  if (site === null && url !== null) {
    return yield* new Output.CliFailure({ message: "With --url, give --site: the website that the instance serves." })
  }
  return yield* Websites.idOrNull(site)
})

/** The website that an instance serves; null for none, for an unknown instance, and if the owner key does not reach it. */
const servedBy = Effect.fnUntraced(
  function* (id: InstanceId) {
    const { url } = yield* Client.Client
    if (url === null) {
      const instance = yield* Client.operator(Operator.instances, {}, (instances) => instances.read(id))
      return instance.website_config_id
    }
    const request = Effect.fnUntraced(function* (
      instances: Client.Group<"instances">,
      { site_id }: { readonly site_id: WebsiteConfigId }
    ) {
      yield* instances.read({ params: { site_id, instance_id: id } })
      return site_id
    })
    return yield* Websites.search("instances", Output.notFound("instance", id), request)
  },
  Effect.orElseSucceed(() => null)
)

/** After a 404 about a conversation, in this process: fails for an instance that does not exist. */
const requireInstance = (id: InstanceId) =>
  Client.operator(Operator.instances, { notFound: Output.notFound("instance", id) }, (instances) => instances.read(id))

/** Sends a request about the conversations of an instance that serves a website. */
const ofSite = <A, E extends { readonly _tag: string }, R>(
  site_id: WebsiteConfigId,
  instance_id: InstanceId,
  facts: Failures.Facts,
  request: (
    conversations: Client.Group<"conversations">,
    params: { readonly site_id: WebsiteConfigId; readonly instance_id: InstanceId }
  ) => Effect.Effect<A, E, R>
) =>
  Client.owner("conversations", facts, (conversations) =>
    request(conversations, { site_id, instance_id }).pipe(
      Effect.catchIf(Websites.isNotFound, (error) =>
        Effect.flatMap(servedBy(instance_id), (served) =>
          Effect.fail(
            served === null || served === site_id
              ? error
              : new Output.CliFailure({
                  message: `The instance ${instance_id} does not serve the website ${site_id}, but ${served}: give that one as --site.`
                })
          )
        )
      )
    )
  )

/** An id that a client made is unknown to the owner API: only the service's process can look it up. */
const ownerId = (text: string) =>
  Schema.is(ConversationId)(text)
    ? Effect.succeed(text)
    : Effect.fail(
        new Output.CliFailure({
          message: "With --site, the flag --conversation must be a conversation_id from `hydracore conversation list`."
        })
      )

/** A text of a visitor's browser in a column of a table. */
const cell = (text: string | null): string =>
  text === null ? "-" : TerminalText.truncate(TerminalText.printable(text), 40)

const list = Command.make(
  "list",
  { instanceId: Inputs.instance, site: InstanceInputs.site, limit: InstanceInputs.limit },
  Effect.fnUntraced(function* ({ instanceId: instance_id, limit, site }) {
    const site_id = yield* siteOf(site)
    const facts = { notFound: Output.notFound("instance", instance_id) }
    const listed =
      site_id === null
        ? yield* Client.operator(Operator.conversations, facts, (conversations) =>
            Pages.first("conversations", limit, (query: Pages.PageQuery) => conversations.list(instance_id, query))
          )
        : yield* ofSite(site_id, instance_id, facts, (conversations, params) =>
            Pages.first("conversations", limit, (query: Pages.PageQuery) => conversations.list({ params, query }))
          )
    const table = Output.table(
      ["CONVERSATION_ID", "BEGAN", "LAST", "MESSAGES", "PAGE", "SOURCE", "COUNTRY"],
      listed.conversations.map(({ conversation_id, country, created_at, messages, page, source, updated_at }) => [
        conversation_id,
        Output.time(created_at),
        Output.time(updated_at),
        String(messages),
        cell(page),
        cell(source === null ? null : Sources.nameOf(source)),
        country ?? "-"
      ]),
      "The instance has no conversations."
    )
    yield* Output.answer({
      json: listed,
      text:
        listed.next === null
          ? table
          : `${table}\nThere may be more: raise --limit, or use \`hydracore conversation export\`.\n`
    })
  })
).pipe(Command.withDescription("List an instance's conversations, the one with the latest message first"))

const ofConversation = {
  instanceId: Inputs.instance,
  conversation: InstanceInputs.conversation,
  site: InstanceInputs.site
}

const show = Command.make(
  "show",
  ofConversation,
  Effect.fnUntraced(function* ({ conversation, instanceId: instance_id, site }) {
    const site_id = yield* siteOf(site)
    const facts = { notFound: Output.notFound("conversation", conversation) }
    const transcript =
      site_id === null
        ? yield* Client.operator(Operator.conversations, facts, (conversations) =>
            conversations
              .read(instance_id, conversation)
              .pipe(Effect.tapErrorTag("NotFound", () => requireInstance(instance_id)))
          )
        : yield* Effect.flatMap(ownerId(conversation), (conversation_id) =>
            ofSite(site_id, instance_id, facts, (conversations, params) =>
              conversations.transcript({ params: { ...params, conversation_id } })
            )
          )
    yield* Output.answer({ json: transcript, text: Transcript.text(transcript) })
  })
).pipe(Command.withDescription("Print a conversation"))

const exportCommand = Command.make(
  "export",
  {
    instanceId: Inputs.instance,
    site: InstanceInputs.site,
    since: Inputs.time(
      "since",
      "Only conversations with a message from this time on, such as 90d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"
    )
  },
  Effect.fnUntraced(function* ({ instanceId: instance_id, since, site }) {
    const from = yield* Inputs.readSince("since", since, yield* Clock.currentTimeMillis)
    const site_id = yield* siteOf(site)
    const facts = { notFound: Output.notFound("instance", instance_id) }
    const query = { ...(from !== null && { from }) }
    yield* Output.writeExport(
      site_id === null
        ? Stream.unwrap(
            Client.operator(Operator.conversations, facts, (conversations) => conversations.export(instance_id, query))
          )
        : Client.textOf(
            ofSite(site_id, instance_id, facts, (conversations, params) => conversations.export({ params, query }))
          )
    )
  })
).pipe(
  Command.withDescription(
    "Write an instance's conversations to stdout, one JSON object per line, in the order of their beginning"
  ),
  Command.withExamples([
    {
      command: "hydracore conversation export --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --since 7d",
      description: "The conversations of the last week, with the ratings of their answers"
    }
  ])
)

const remove = Command.make(
  "delete",
  ofConversation,
  Effect.fnUntraced(function* ({ conversation, instanceId: instance_id, site }) {
    const site_id = yield* siteOf(site)
    const facts = { notFound: Output.notFound("conversation", conversation) }
    yield* site_id === null
      ? Client.operator(Operator.conversations, facts, (conversations) =>
          conversations
            .delete(instance_id, conversation)
            .pipe(Effect.tapErrorTag("NotFound", () => requireInstance(instance_id)))
        )
      : Effect.flatMap(ownerId(conversation), (conversation_id) =>
          ofSite(site_id, instance_id, facts, (conversations, params) =>
            conversations.delete({ params: { ...params, conversation_id } })
          )
        )
    yield* Output.answer({
      json: { conversation_id: conversation, deleted: true },
      text: `The conversation ${TerminalText.printable(conversation)} is deleted.\n`
    })
  })
).pipe(Command.withDescription("Delete a conversation with all its messages"))

export const command = Client.command(
  "conversation",
  "Stored conversations of an instance",
  list,
  show,
  exportCommand,
  remove
)
