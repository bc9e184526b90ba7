/**
 * Encodes Server-Sent Events. Pure.
 *
 * @module
 */

/** An event whose data is a value as JSON. */
export const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`

/** The last event of a stream in the protocols of OpenAI and the AI SDK. */
export const doneEvent = "data: [DONE]\n\n"
