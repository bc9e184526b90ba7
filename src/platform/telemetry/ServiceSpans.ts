/**
 * Spans for the calls of services in sampled requests, each a child of its caller's span, named such as `SubmissionRepo.submit`.
 *
 * The services are wrapped where they are composed, and only if traces are exported, so that their names cost nothing otherwise.
 * `Effect.fn` would cost a span per call that no one reads, and would export errors, which may quote what visitors sent.
 *
 * @module
 */
import { Cause, Clock, Context, Effect, Exit, Layer, Predicate, Tracer } from "effect"

const serviceKey = /^hydracore\/(?:[a-z]+\/)+([A-Z]\w*)$/

/**
 * The name of a service by its key, which is the path of its file. Undefined for other keys, such as that of a reference, which ends
 * with the reference's name behind the file's.
 */
export const serviceName = (key: string): string | undefined => serviceKey.exec(key)?.[1]

/** How a call ended, without the values that an error may quote. */
const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<void, string> => {
  if (Exit.isSuccess(exit)) return Exit.void
  if (Cause.hasInterrupts(exit.cause)) return Exit.interrupt()
  const error = Cause.squash(exit.cause)
  return Exit.fail(Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Defect")
}

/** Makes a span of the effect, if the caller's span is sampled. In any other request, that costs a look at the fiber. */
export const named = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const parent = fiber.cache.span
    if (parent?.sampled !== true) return effect
    const clock = fiber.getRef(Clock.Clock)
    return Effect.flatMap(Effect.withTracerEnabled(Effect.makeSpan(name, { parent, sampled: true }), true), (span) =>
      Effect.onExit(Effect.provideService(effect, Tracer.ParentSpan, span), (exit) =>
        Effect.sync(() => span.end(clock.currentTimeNanosUnsafe(), outcomeOf(exit)))
      )
    )
  })

/** A member of a service: an effect, or a function that may return one. Other members stay as they are. */
const wrapped = (name: string, member: unknown): unknown => {
  if (Effect.isEffect(member)) return named(name, member)
  if (typeof member !== "function") return member
  return (...input: ReadonlyArray<unknown>) => {
    const result: unknown = member(...input)
    return Effect.isEffect(result) ? named(name, result) : result
  }
}

/** As a middleware: makes a span of the effect of an endpoint, named such as `forms.submit`. */
export const ofEndpoint = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  {
    endpoint,
    group
  }: { readonly endpoint: { readonly identifier: string }; readonly group: { readonly identifier: string } }
): Effect.Effect<A, E, R> => named(`${group.identifier}.${endpoint.identifier}`, effect)

const isPlain = (service: unknown): service is Readonly<Record<string, unknown>> =>
  Predicate.isObject(service) && Object.getPrototypeOf(service) === Object.prototype

/** The same services, whose calls are spans. */
export const of = <A>(services: Context.Context<A>): Context.Context<A> => {
  const entries = [...services.mapUnsafe].map(([key, service]): readonly [string, unknown] => {
    const name = serviceName(key)
    if (name === undefined || !isPlain(service)) return [key, service]
    const members = Object.entries(service).map(([member, value]) => [member, wrapped(`${name}.${member}`, value)])
    return [key, Object.fromEntries(members)]
  })
  return Context.makeUnsafe(new Map(entries))
}

/** The layer of the same services; their calls are spans if `isTraced`. */
export const layer =
  (isTraced: boolean) =>
  <A, E, R>(services: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
    isTraced ? Layer.effectContext(Effect.map(Layer.build(services), of)) : services
