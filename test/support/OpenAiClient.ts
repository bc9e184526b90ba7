/**
 * OpenAI's client, connected to the test server's instance.
 */
import { Effect } from "effect"
import OpenAI from "openai"
import * as TestServer from "./TestServer.ts"

export const baseOf = (instanceId: string) => `/v1/public/widget/${instanceId}/openai/v1`

/** A client that does not repeat failed requests. */
export const connect = (options: Partial<ConstructorParameters<typeof OpenAI>[0]> = {}) =>
  Effect.map(
    TestServer.TestServer,
    ({ instance, url, widgetToken }) =>
      new OpenAI({ baseURL: url + baseOf(instance.instanceId), apiKey: widgetToken, maxRetries: 0, ...options })
  )

/** A request with one message. */
export const ask = (content: string) => ({ model: "any", messages: [{ role: "user" as const, content }] })

/** The error that a request fails with. */
export const errorOf = <A>(request: () => Promise<A>) =>
  Effect.flip(Effect.tryPromise({ try: request, catch: (error) => error as InstanceType<typeof OpenAI.APIError> }))
