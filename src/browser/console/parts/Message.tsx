/**
 * A message instead of a page: there is no data yet, or a failure.
 *
 * @module
 */
import type { ComponentChildren } from "preact"

interface Props {
  readonly title: string
  readonly children?: ComponentChildren
}

export const Message = ({ children, title }: Props) => (
  <section class="message">
    <h1>{title}</h1>
    {children}
  </section>
)
