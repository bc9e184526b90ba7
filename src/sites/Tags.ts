/**
 * The HTML to paste into a website's pages, for the console and the command line. A browser can import it. Pure.
 *
 * @module
 */

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? "&quot;")

const api = (base: string): string => `${escape(base)}/v1/public`

/** Only pages of this machine can load a script from it. Without `data-local`, the tracker does not count them. */
const local = (base: string): string =>
  /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/.test(base) ? " data-local" : ""

/** For the head of every page. */
export const tracker = (base: string, trackingToken: string): string =>
  `<script defer src="${api(base)}/embed.js" data-site="${trackingToken}"${local(base)}></script>`

/** For a page with a form; it works without scripts too. */
export const form = (base: string, siteId: string): string =>
  [
    `<form data-hydracore-form data-site="${siteId}" data-page="contact"`,
    `      method="post" action="${api(base)}/forms/submit?site=${siteId}&amp;page=contact">`,
    '  <label>Name <input name="name" autocomplete="name" required></label>',
    '  <label>Email <input name="email" type="email" autocomplete="email"></label>',
    '  <label>Message <textarea name="message" required></textarea></label>',
    '  <input name="hydracore_hp" tabindex="-1" autocomplete="off" aria-hidden="true" hidden style="display:none!important">',
    "  <button>Send</button>",
    "</form>"
  ].join("\n")

/** For the end of the body. */
export const chat = (base: string, instanceId: string, token: string): string =>
  [
    `<script type="module" src="${api(base)}/chat.js"></script>`,
    `<hydracore-chat instance="${instanceId}" token="${escape(token)}" heading="Ask us"></hydracore-chat>`
  ].join("\n")
