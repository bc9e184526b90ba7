/**
 * A message in place of a page or of a part of one, for example because there is no data yet or loading failed.
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
