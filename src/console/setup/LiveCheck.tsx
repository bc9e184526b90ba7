/**
 * Says that something works, that it fails, or what it waits for.
 *
 * @module
 */
import { Icon } from "../parts/Icon.tsx"
import type { Finding } from "./InstallCheck.ts"

const classes = { works: "good", fails: "bad", waits: "muted" } as const

export const LiveCheck = ({ state, text }: Finding) => (
  <p class={`check-line ${classes[state]}`} role="status">
    {state === "waits" ? <span class="pulse" /> : <Icon name={state === "works" ? "check" : "close"} />}
    {text}
  </p>
)
