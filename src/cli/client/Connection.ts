/**
 * Where a command sends its requests: to the handlers in this process, or with `--url` to a running service.
 *
 * @module
 */
import { Effect, Layer, Option, Redacted } from "effect"
import { Flag, GlobalFlag } from "effect/cli"
import { ownerKey } from "../../Config.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import { CliFailure } from "../support/Output.ts"
import * as Client from "./Client.ts"

/** The flag `--url`. */
export const Url = GlobalFlag.Setting("url")({
  flag: Flag.String("url").pipe(
    Flag.withMetavar("<url>"),
    Flag.withDescription("Send the command to the running service at this address; without the flag, use the database"),
    Flag.optional
  )
})

/** The flag `--key`. */
export const Key = GlobalFlag.Setting("key")({
  flag: Flag.String("key").pipe(
    Flag.withMetavar("<key>"),
    Flag.withDescription(
      "The owner key for --url. Other users of the machine can see it; HYDRACORE_KEY keeps it out of the list of processes"
    ),
    Flag.optional
  )
})

type LayerServices = Effect.Services<ReturnType<typeof remote>>

const invalidUrl = new CliFailure({
  message: "The flag --url must be the address of a service, such as https://edge.example, without a path or a query."
})

const withoutKey = new CliFailure({
  message:
    "The service at --url needs an owner key: set HYDRACORE_KEY, or give --key. `hydracore key issue` issues one."
})

const unencrypted = new CliFailure({
  message:
    "The flag --url must begin with https:// for a service outside of this network: over http, others could read the owner key."
})

/** Whether a host has a private address, or a name that no public domain has, such as `localhost` or that of a container. */
const isPrivateHost = (host: string): boolean =>
  AddressGuard.isAddress(host)
    ? !AddressGuard.isPublicText(host)
    : !host.includes(".") || /\.(internal|local|localhost)$/.test(host)

/** The origin that `--url` names. */
const originOf = (text: string): Effect.Effect<string, CliFailure> => {
  const url = URL.parse(text.trim())
  const isOrigin =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    url.search === "" &&
    url.hash === "" &&
    url.username === "" &&
    url.password === ""
  if (!isOrigin) return Effect.fail(invalidUrl)
  const isReadable = url.protocol === "http:" && !isPrivateHost(AddressGuard.targetOf(url).host)
  return isReadable ? Effect.fail(unencrypted) : Effect.succeed(url.origin)
}

/** In `webhook update`, for example, a `--url` that should name the service would change the webhook in the wrong database. */
const keyWithoutUrl = new CliFailure({
  message:
    "The flag --key is for a running service: give its address with --url, before the command if the command has a flag --url of its own."
})

const localOnly = Effect.fail(
  new CliFailure({ message: "This works on the database of DATABASE_URL only: run the command without --url." })
)

const withoutService = Effect.fail(
  new CliFailure({
    message: "This works on the database of DATABASE_URL and uses no owner key: run the command without --key."
  })
)

/** Fails with `--url`, for commands that work on the database: they would change the wrong one. They use no key, either. */
export const requireLocal = Effect.gen(function* () {
  if (Option.isSome(yield* Url)) return yield* localOnly
  if (Option.isSome(yield* Key)) return yield* withoutService
})

/** The client of a running service. */
const remote = Effect.fnUntraced(function* (text: string) {
  const url = yield* originOf(text)
  const given = Option.map(yield* Key, (key) => Redacted.make(key))
  const key = Option.isSome(given) ? given : yield* ownerKey
  // Only a request needs the key: what only the operator can do is refused with any key.
  if (Option.isNone(key))
    return Client.Client.of({ owner: () => Effect.fail(withoutKey), operator: () => localOnly, url })
  const { make } = yield* Effect.promise(() => import("./Remote.ts"))
  return Client.Client.of({ owner: yield* make({ url, key: key.value }), operator: () => localOnly, url })
})

/** The client that `--url` selects. `local` is built only without `--url`. */
export const layer = <E, R>(local: Layer.Layer<Client.Client, E, R>) =>
  Layer.unwrap(
    Effect.map(
      Url,
      Option.match({
        onNone: (): Layer.Layer<Client.Client, Effect.Error<ReturnType<typeof remote>> | E, LayerServices | R> =>
          Layer.unwrap(
            Effect.flatMap(Key, (key) => (Option.isSome(key) ? Effect.fail(keyWithoutUrl) : Effect.succeed(local)))
          ),
        onSome: (text) => Layer.effect(Client.Client, remote(text))
      })
    )
  )
