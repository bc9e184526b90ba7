/**
 * Creates elements without HTML, so that a text never becomes markup.
 *
 * @module
 */

/**
 * Creates an element. A `part`, which a website's style sheet can select, is also the element's class, which the chat's
 * style sheet selects.
 */
export const make = <K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: ReadonlyArray<Node | string>
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value)
    if (key === "part") element.className = value
  }
  element.append(...children)
  return element
}

const paths = {
  chat: "M7 3h10q3 0 3 3v7q0 3-3 3h-6l-6 5v-5q-1-1-1-3V6q0-3 3-3z",
  close: "m6 6 12 12M18 6 6 18",
  renew: "M12 20h8M4 20l1-4L16 5q3 0 3 3L8 19z",
  send: "M12 19V5m-6 6 6-6 6 6",
  stop: "M7 7h10v10H7z",
  down: "M12 5v14m-6-6 6 6 6-6",
  thumb: "M7 11v9H4v-9zl4-8q3 0 2.5 3.5L13 9h5q2 0 2 2l-2 7q-.5 2-2.5 2H7"
}

/** Creates an icon. It is hidden from screen readers: the button around it has a label. */
export const icon = (name: keyof typeof paths): SVGElement => {
  const namespace = "http://www.w3.org/2000/svg"
  const svg = document.createElementNS(namespace, "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  svg.setAttribute("class", `icon ${name}`)
  const path = document.createElementNS(namespace, "path")
  path.setAttribute("d", paths[name])
  svg.append(path)
  return svg
}
