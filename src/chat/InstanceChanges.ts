/**
 * Creates and changes the instances of a website for its owner.
 *
 * An owner must not reach the operator's network or secrets. So an agent's URL must lead to the public internet, which is
 * checked again whenever a connection opens, and a changed URL does not get the secrets of the previous one.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Effect, Option, Redacted, Result } from "effect"
import * as AddressGuard from "../platform/outward/AddressGuard.ts"
import * as Sealing from "../platform/secrets/Sealing.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Validation from "../sites/access/Validation.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import type * as AgentAdditions from "./AgentAdditions.ts"
import type { InstanceChange, NewInstance } from "./Instance.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"
import * as OperatorsKey from "./OperatorsKey.ts"
import * as SealedAdditions from "./SealedAdditions.ts"
import * as SiteInstance from "./SiteInstance.ts"

type Refusal = (typeof Errors.NotFound)["Type"] | Errors.ValidationFailed

/** Members that a caller cannot set directly. */
type Internal = "websiteConfigId" | "agentKeyEnv" | "agentKey" | "agentBody" | "agentHeaders" | "isGuarded"

/** The secrets as they were entered; null for none. */
interface GivenSecrets {
  readonly key?: string | null
  readonly body?: AgentAdditions.Body | null
  readonly headers?: AgentAdditions.Headers | null
}

export interface Options {
  /** Encrypts the agents' keys, and what instances add to requests. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

const notFound = Errors.make("NotFound", "This website has no such instance. The instance may have been deleted.")

const fault = (loc: ReadonlyArray<string>, msg: string) =>
  Validation.failed([{ loc, msg: `Value error, ${msg}`, type: "value_error" }])

/**
 * The fault of a URL whose host, as it is written, is not public. The addresses of a host name are checked whenever a connection opens.
 *
 * @param command the operator's command that accepts any host, without `--agent-url`
 */
const privateFault = (agentUrl: string, command: string) =>
  Option.map(AddressGuard.refusalOf([], AddressGuard.targetOf(new URL(agentUrl))), (refusal) =>
    fault(["body", "agent_url"], `${refusal}. The operator can set it with \`${command} --agent-url …\``)
  )

export const make = ({ secretsKey }: Options) =>
  Effect.gen(function* () {
    const directory = yield* InstanceDirectory
    const sites = yield* SiteDirectory
    // An empty change reads past the cache: with the URL of a moment ago, a key could go to another URL than it was given for,
    // and a test could test the settings before the last change.
    const requireInstance = SiteInstance.require({ find: (instanceId) => directory.update(instanceId, {}) })

    /** Encrypts the value that was given as a member. Undefined and null stay as they are. */
    const sealWith =
      <A, B>(member: string, seal: (secret: Uint8Array, nonce: Uint8Array, instanceId: string, value: A) => B) =>
      (
        instanceId: string,
        value: A | null | undefined
      ): Effect.Effect<B | null | undefined, Errors.ValidationFailed> => {
        if (value === undefined) return Effect.succeed(undefined)
        if (value === null) return Effect.succeed(null)
        return Option.match(secretsKey, {
          onNone: () =>
            Effect.fail(fault(["body", member], "this service stores no secrets until its operator sets SECRETS_KEY")),
          onSome: (secret) =>
            Effect.sync(() => seal(Redacted.value(secret), randomBytes(Sealing.nonceBytes), instanceId, value))
        })
      }

    const sealKey = sealWith("agent_key", Sealing.seal)
    const sealBody = sealWith("agent_body", (secret, nonce, instanceId, body: AgentAdditions.Body) =>
      SealedAdditions.seal(secret, nonce, instanceId, "body", body)
    )
    const sealHeaders = sealWith("agent_headers", (secret, nonce, instanceId, headers: AgentAdditions.Headers) =>
      SealedAdditions.seal(secret, nonce, instanceId, "headers", headers)
    )

    return {
      /** The instance as it is stored. */
      find: requireInstance,
      create: Effect.fnUntraced(function* (
        { site }: AuthorizedSite<"settings:change">,
        { body, headers, key, ...given }: Omit<NewInstance, Internal | "instanceId"> & GivenSecrets
      ) {
        const { websiteConfigId } = site
        // The lookup bypasses the cache, because the website may have been deleted, and then the instance cannot be stored.
        yield* sites.invalidate(site)
        if (Option.isNone(yield* sites.byWebsiteConfigId(websiteConfigId))) {
          return yield* Effect.fail(Errors.unknownSite)
        }
        const refusal = privateFault(given.agentUrl, `hydracore instance create --site ${websiteConfigId} --name …`)
        if (Option.isSome(refusal)) return yield* Effect.fail(refusal.value)
        const instanceId = randomUUID()
        return yield* directory.create({
          ...given,
          instanceId,
          websiteConfigId,
          agentKey: (yield* sealKey(instanceId, key)) ?? null,
          agentBody: (yield* sealBody(instanceId, body)) ?? null,
          agentHeaders: (yield* sealHeaders(instanceId, headers)) ?? null,
          isGuarded: true
        })
      }),
      update: Effect.fnUntraced(function* (
        proof: AuthorizedSite<"settings:change">,
        instanceId: string,
        { agentUrl, body, headers, key, ...given }: Omit<InstanceChange, Internal> & GivenSecrets
      ) {
        const seen = yield* requireInstance(proof, instanceId)
        const agentKey = yield* sealKey(instanceId, key)
        const agentBody = yield* sealBody(instanceId, body)
        const agentHeaders = yield* sealHeaders(instanceId, headers)
        const hasSecrets = agentKey !== undefined || agentBody !== undefined || agentHeaders !== undefined
        // Secrets are stored with the URL that they were given for, because another request may change the URL meanwhile.
        const target = agentUrl ?? (hasSecrets ? seen.agentUrl : undefined)
        const updated = yield* directory.modify(instanceId, (before): Result.Result<InstanceChange, Refusal> => {
          if (before.websiteConfigId !== proof.site.websiteConfigId) return Result.fail(notFound)
          const isMoved = target !== undefined && target !== before.agentUrl
          const refusal = isMoved
            ? privateFault(target, `hydracore instance update --instance ${instanceId}`)
            : Option.none()
          if (Option.isSome(refusal)) return Result.fail(refusal.value)
          const reservedMember =
            isMoved || agentKey !== undefined
              ? undefined
              : OperatorsKey.refusedOf(before, { ...given, agentBody, agentHeaders })
          if (reservedMember !== undefined) {
            return Result.fail(
              fault(
                ["body", reservedMember],
                "the agent uses the operator's key, so only the operator can change this; set a key of your own as agent_key"
              )
            )
          }
          return Result.succeed({
            ...given,
            ...(isMoved && { agentUrl: target, isGuarded: true, agentBody: null, agentHeaders: null }),
            ...((isMoved || agentKey !== undefined) && { agentKey: agentKey ?? null, agentKeyEnv: null }),
            ...(agentBody !== undefined && { agentBody }),
            ...(agentHeaders !== undefined && { agentHeaders })
          })
        })
        return yield* Effect.fromOption(updated, () => notFound)
      })
    }
  })
