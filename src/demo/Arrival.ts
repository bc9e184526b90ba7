/**
 * The events that `/demo` shows. Types only, shared by the page and the service.
 *
 * @module
 */

export type Arrival =
  | {
      readonly type: "view"
      readonly path: string
      readonly referrer: string | null
      readonly device: string | null
      readonly browser: string | null
      readonly os: string | null
      readonly country: string | null
      readonly campaign: string | null
      /** Why the view is not counted, or null. */
      readonly exclusion: "bot" | "referrer-spam" | null
    }
  | {
      readonly type: "submission"
      readonly id: string
      readonly page: string | null
      readonly email: string | null
      /** The first fields, as text. */
      readonly fields: ReadonlyArray<readonly [name: string, value: string]>
    }
  | { readonly type: "question"; readonly chat: string; readonly text: string }
  | { readonly type: "token"; readonly chat: string; readonly text: string }
  /** A person's data was deleted: nothing that visitors wrote before is shown any more. */
  | { readonly type: "erased" }
  | { readonly type: "answered"; readonly chat: string; readonly isWhole: boolean }

/** An arrival with its number, from 1, and its time in milliseconds since 1970. */
export type Numbered = Arrival & { readonly number: number; readonly at: number }
