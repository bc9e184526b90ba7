/**
 * Creates and changes instances, for the owner of their website and for the operator.
 *
 * An owner must not reach the operator's network or secrets. So the URL of an owner's agent must lead to the public internet, which
 * is checked again whenever a connection opens, and a changed URL does not get the secrets of the previous one.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Effect, Option, Redacted, Result } from "effect"
import { InstanceId, type WebsiteConfigId } from "../platform/Id.ts"
import * as AddressGuard from "../platform/outward/AddressGuard.ts"
import * as Sealing from "../platform/secrets/Sealing.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Validation from "../sites/access/Validation.ts"
import * as Instance from "./Instance.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"
import type * as InstanceInput from "./InstanceInput.ts"
import * as SealedAdditions from "./SealedAdditions.ts"

/** The secrets as they were entered; null for none. */
interface Secrets {
  readonly agent_key?: string | null | undefined
  readonly agent_body?: InstanceInput.Body | null | undefined
  readonly agent_headers?: InstanceInput.Headers | null | undefined
}

/** Members that a request has in another form, or not at all. */
type Stored = "instance_id" | "website_config_id" | "guarded" | keyof Secrets

/** An instance that the operator creates: its agent may have any address, and a key in a variable of the service's environment. */
type Creation = Omit<Instance.NewInstance, Stored> & Secrets

type Change = Omit<Instance.InstanceChange, Stored> & Secrets

export interface Options {
  /** Encrypts the agents' keys, and what instances add to requests. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

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

    /** A request without its secrets, and these encrypted for an instance. Undefined and null stay as they are. */
    const sealed = Effect.fnUntraced(function* <A extends Secrets>(
      instanceId: InstanceId,
      { agent_body, agent_headers, agent_key, ...given }: A
    ) {
      const sealWith = <A, B>(
        member: keyof Secrets,
        value: A | null | undefined,
        seal: (secret: Uint8Array, nonce: Uint8Array, value: A) => B
      ) =>
        value === undefined || value === null
          ? Effect.succeed(value === null ? { [member]: null } : {})
          : Option.match(secretsKey, {
              onNone: () =>
                Effect.fail(
                  fault(["body", member], "this service stores no secrets until its operator sets SECRETS_KEY")
                ),
              onSome: (secret) =>
                Effect.sync(() => ({ [member]: seal(Redacted.value(secret), randomBytes(Sealing.nonceBytes), value) }))
            })
      const secrets: Pick<Instance.InstanceChange, keyof Secrets> = {
        ...(yield* sealWith("agent_key", agent_key, (secret, nonce, key) =>
          Sealing.seal(secret, nonce, instanceId, key)
        )),
        ...(yield* sealWith("agent_body", agent_body, (secret, nonce, body) =>
          SealedAdditions.seal(secret, nonce, instanceId, "body", body)
        )),
        ...(yield* sealWith("agent_headers", agent_headers, (secret, nonce, headers) =>
          SealedAdditions.seal(secret, nonce, instanceId, "headers", headers)
        ))
      }
      return [given, secrets] as const
    })

    /** Creates an instance with a new id. */
    const create = Effect.fnUntraced(function* (
      request: Omit<Instance.NewInstance, "instance_id" | keyof Secrets> & Secrets
    ) {
      const instance_id = InstanceId.make(randomUUID())
      const [given, secrets] = yield* sealed(instance_id, request)
      return yield* directory
        .create({ ...given, ...secrets, instance_id })
        .pipe(Effect.catchTag("WebsiteUnknown", () => Effect.fail(Errors.unknownSite)))
    })

    return {
      /** Creates an instance of a website, as its owner. */
      create: (websiteConfigId: WebsiteConfigId, request: Omit<Creation, "agent_key_env">) =>
        Option.match(privateFault(request.agent_url, `hydracore instance create --site ${websiteConfigId} --name …`), {
          onNone: () => create({ ...request, website_config_id: websiteConfigId, guarded: true }),
          onSome: Effect.fail
        }),
      /** Changes an instance of a website, as its owner; none if the website has no such instance. */
      update: Effect.fnUntraced(function* (
        websiteConfigId: WebsiteConfigId,
        instanceId: InstanceId,
        { agent_url, ...request }: Omit<Change, "agent_key_env">
      ) {
        const seen = yield* directory.read(websiteConfigId, instanceId)
        if (Option.isNone(seen)) return Option.none()
        const [given, secrets] = yield* sealed(instanceId, request)
        // Secrets are stored with the URL that they were given for, because another request may change the URL meanwhile.
        const target = agent_url ?? (Object.keys(secrets).length > 0 ? seen.value.agent_url : undefined)
        return yield* directory.modify(
          websiteConfigId,
          instanceId,
          (before): Result.Result<Instance.InstanceChange, Errors.ValidationFailed> => {
            const isMoved = target !== undefined && target !== before.agent_url
            const refusal = isMoved
              ? privateFault(target, `hydracore instance update --instance ${instanceId}`)
              : Option.none()
            if (Option.isSome(refusal)) return Result.fail(refusal.value)
            const reserved =
              isMoved || secrets.agent_key !== undefined
                ? undefined
                : Instance.reservedChange(before, { ...given, ...secrets })
            if (reserved !== undefined) {
              return Result.fail(
                fault(
                  ["body", reserved],
                  "the agent uses the operator's key, so only the operator can change this; set a key of your own as agent_key"
                )
              )
            }
            return Result.succeed({
              ...given,
              ...(isMoved && {
                agent_url: target,
                guarded: true,
                agent_key: null,
                agent_body: null,
                agent_headers: null
              }),
              ...((isMoved || secrets.agent_key !== undefined) && { agent_key_env: null }),
              ...secrets
            })
          }
        )
      }),
      /** Creates an instance of any website or of none, as the operator. */
      createAsOperator: (request: Creation & { readonly website_config_id?: WebsiteConfigId | null }) =>
        create(request),
      /** Changes an instance, as the operator, who may name a private address; none if there is no such instance. */
      updateAsOperator: Effect.fnUntraced(function* (
        instanceId: InstanceId,
        request: Change & { readonly website_config_id?: WebsiteConfigId | null }
      ) {
        const [given, secrets] = yield* sealed(instanceId, request)
        return yield* directory
          .update(instanceId, {
            ...given,
            ...(given.agent_url !== undefined && { guarded: false }),
            // A key in a variable, or no key, replaces one that the owner API stored.
            ...(given.agent_key_env !== undefined && { agent_key: null }),
            ...secrets
          })
          .pipe(Effect.catchTag("WebsiteUnknown", () => Effect.fail(Errors.unknownSite)))
      })
    }
  })
