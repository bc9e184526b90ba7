/**
 * Requests to the owner API. Their types come from the contract: a request that the contract does not declare does not
 * compile.
 *
 * @module
 */
import type { OwnerApi } from "../api/OwnerApi.ts"

type Groups = (typeof OwnerApi)["groups"]
type EndpointOf<Group> = Group extends { readonly endpoints: infer Endpoints } ? Endpoints[keyof Endpoints] : never
type Endpoint = EndpointOf<Groups[keyof Groups]>
type NameOf<E> = E extends { readonly method: infer Method extends string; readonly path: infer Path extends string }
  ? `${Method} ${Path}`
  : never

/** A method and a path of the contract, such as `POST /v1/owner/query`. */
export type Operation = NameOf<Endpoint>

type Named<E, O> = E extends unknown ? (NameOf<E> extends O ? E : never) : never
type EndpointNamed<O extends Operation> = Named<Endpoint, O>

/** A value as it is sent: an id, which the contract gives a type of its own, is a string. */
type Sent<Value> = Value extends { readonly "~effect/Brand": unknown }
  ? string
  : Value extends ReadonlyArray<infer Item>
    ? ReadonlyArray<Sent<Item>>
    : Value

type SentMembers<Values> = { readonly [Key in keyof Values]: Sent<Values[Key]> }

/** A part of a request; empty if the endpoint has none. */
type Part<Name extends string, Declared> = [Declared] extends [never]
  ? unknown
  : Declared extends { readonly Type: infer Value }
    ? { readonly [Key in Name]: SentMembers<Value> }
    : never

/** A URL's query as it is sent. Values that the contract decodes to another type, such as a cursor, are sent as strings. */
type SentQuery<Query> = [Query] extends [never]
  ? never
  : Query extends { readonly Type: infer Values }
    ? {
        readonly Type: {
          readonly [Key in keyof Values]: Values[Key] extends string | number | boolean | undefined
            ? Values[Key]
            : string
        }
      }
    : never

/** A body as it is sent. A number, such as a time, may be sent as a string. */
type SentBody<Body> = [Body] extends [never]
  ? never
  : Body extends { readonly Type: infer Values }
    ? {
        readonly Type: {
          readonly [Key in keyof Values]: Values[Key] extends number | undefined ? Values[Key] | string : Values[Key]
        }
      }
    : never

/** What a request of an operation needs. */
export type Input<O extends Operation> =
  EndpointNamed<O> extends {
    readonly "~Params": infer Params
    readonly "~Query": infer Query
    readonly "~Payload": infer Body
  }
    ? Part<"params", Params> & Part<"query", SentQuery<Query>> & Part<"body", SentBody<Body>>
    : never

export type Answer<O extends Operation> =
  EndpointNamed<O> extends { readonly "~Success": { readonly Type: infer Value } } ? Value : never

export type FailureKind =
  /** The service cannot be reached. */
  | "offline"
  /** The service, or a proxy in front of it, cannot answer now. */
  | "unavailable"
  /** A rate limit is reached. */
  | "too-many"
  /** The session has ended, or there was none. */
  | "signed-out"
  /** The shared dashboard has a password. */
  | "locked"
  | "not-found"
  | "invalid"
  /** The record that the request names is in a state that does not allow the operation. */
  | "conflict"
  | "too-slow"
  /** Any other status. */
  | "defect"

export interface Failure {
  readonly kind: FailureKind
  /** Seconds until a retry makes sense, if the service says so. */
  readonly retryAfter: number | undefined
  /** What is wrong according to the response of a 422 or a 409. */
  readonly faults: ReadonlyArray<Fault>
}

export interface Fault {
  /** The path of the invalid value in the body, such as `rules.name.max`; empty for the whole body. */
  readonly place: string
  /** What is allowed there, or why the request is refused. It may lack its full stop. */
  readonly text: string
}

export type Outcome<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly failure: Failure }

const kinds: Readonly<Record<number, FailureKind>> = {
  401: "signed-out",
  403: "locked",
  404: "not-found",
  409: "conflict",
  422: "invalid",
  429: "too-many",
  502: "unavailable",
  503: "unavailable",
  504: "too-slow"
}

interface Parts {
  readonly params?: Readonly<Record<string, unknown>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

/** The address of a request. Pure. */
export const addressOf = (path: string, { params = {}, query = {} }: Parts): string => {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.append(name, String(value))
  }
  return search.size === 0 ? filled : `${filled}?${search}`
}

const failed = (
  kind: FailureKind,
  response?: Response,
  faults: ReadonlyArray<Fault> = []
): { readonly ok: false; readonly failure: Failure } => ({
  ok: false,
  failure: { kind, retryAfter: Number(response?.headers.get("retry-after")) || undefined, faults }
})

let shareSecret: string | null = null

/** Sets the secret of the shared dashboard that the page shows. */
export const authorizeShared = (secret: string): void => {
  shareSecret = secret
}

/** The header that authorizes requests for a shared dashboard. The session's cookie authorizes all other requests. */
const authorization = (path: string): Readonly<Record<string, string>> =>
  shareSecret !== null && path.startsWith("/v1/owner/shared") ? { authorization: `Bearer ${shareSecret}` } : {}

interface ErrorBody {
  readonly detail: string | ReadonlyArray<{ readonly loc: ReadonlyArray<string>; readonly msg: string }>
}

/** The faults of a 422, or of a 409; none if its body cannot be read, and none for other statuses. */
const faultsOf = async (response: Response): Promise<ReadonlyArray<Fault>> => {
  if (response.status !== 422 && response.status !== 409) return []
  try {
    const { detail } = (await response.json()) as ErrorBody
    if (typeof detail === "string") return [{ place: "", text: detail }]
    return detail.map(({ loc, msg }) => ({ place: loc.slice(1).join("."), text: msg.replace("Value error, ", "") }))
  } catch {
    return []
  }
}

/** The maximum length of a body that browsers still send after the page is left: 64 KiB, of characters with up to three bytes. */
const maxKeepalive = 20_000

/** Sends a request, and reads the body of a success. */
const request = async <A>(
  operation: string,
  parts: Parts,
  read: (response: Response) => Promise<A>,
  signal?: AbortSignal
): Promise<Outcome<A>> => {
  const [method = "", path = ""] = operation.split(" ")
  const body = parts.body === undefined ? undefined : JSON.stringify(parts.body)
  try {
    const response = await fetch(addressOf(path, parts), {
      method,
      headers: {
        ...authorization(path),
        ...(parts.body !== undefined && { "content-type": "application/json" })
      },
      ...(body !== undefined && { body }),
      // A change is not lost if the page is left or reloaded at once.
      keepalive: signal === undefined && (body ?? "").length < maxKeepalive,
      ...(signal && { signal })
    })
    if (!response.ok) {
      return failed(kinds[response.status] ?? "defect", response, await faultsOf(response))
    }
    return { ok: true, value: await read(response) }
  } catch (error) {
    if (signal?.aborted) throw error
    // `fetch` rejects without a connection, and reading the body rejects if the connection is lost.
    return failed("offline")
  }
}

/** Sends a request. Rejects only if `signal` aborts it. */
export const send = <O extends Operation>(
  operation: O,
  input: Input<O>,
  signal?: AbortSignal
): Promise<Outcome<Answer<O>>> =>
  request(
    operation,
    input as Parts,
    async (response) => (response.status === 204 ? undefined : await response.json()) as Answer<O>,
    signal
  )

/** Sends a request whose answer is a file. */
export const sendForText = <O extends Operation>(operation: O, input: Input<O>): Promise<Outcome<string>> =>
  request(operation, input as Parts, (response) => response.text())
