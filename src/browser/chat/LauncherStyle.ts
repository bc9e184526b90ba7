/**
 * The style sheet of the button, shared by all chats of a page. It declares the custom properties that the panel uses. It is
 * constructed, because a strict Content-Security-Policy forbids `<style>`. Inside the chat, the page's own styles do not apply,
 * except for those of parts, custom properties, the writing direction and the color scheme.
 *
 * Most sizes are in `em`, so they follow the visitor's font size. The source is compact because the bundler does little to it:
 * it writes the design's colours in place of `var(--design-...)`, removes line breaks, and shortens the names of custom properties without the prefix `--hydracore-`.
 *
 * @module
 */

const css = `
:host{all:initial;color-scheme:inherit;
--accent:var(--hydracore-accent,var(--design-solid));
--on-accent:var(--hydracore-on-accent,var(--design-on-solid));
--background:var(--hydracore-background,var(--design-raised));
--surface:var(--hydracore-surface,var(--design-soft));
--text:var(--hydracore-text,var(--design-text));
--muted:var(--hydracore-muted,var(--design-muted));
--edge:var(--hydracore-border,var(--design-line));
--link:var(--hydracore-link,var(--design-accent));
--fault:var(--hydracore-error,var(--design-bad));
--veil:var(--design-shade);
--radius:var(--hydracore-radius,18px);
--inset:var(--hydracore-offset,20px);
position:fixed;bottom:var(--inset);inset-inline-end:var(--inset);z-index:var(--hydracore-z-index,2147483000);
font:400 max(.9375rem,15px)/1.5 var(--hydracore-font,system-ui,sans-serif)!important;color:var(--text)!important}
:host([theme=light]){color-scheme:light}
:host([theme=dark]){color-scheme:dark}
:host([theme=auto]){color-scheme:light dark}
:host([side=start]){inset-inline:var(--inset) auto}
:host([hidden]),[hidden]{display:none!important}
*,::after{box-sizing:border-box;margin:0}
button{border:1px solid transparent;border-radius:2em;background:none;font:inherit;color:inherit;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.icon{width:1.35em;height:1.35em;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.launcher{position:relative;display:flex;align-items:center;gap:.6em;max-width:calc(100vw - 2*var(--inset));min-height:3.4em;padding:.5em 1.2em;background:var(--accent);color:var(--on-accent);font-weight:600;box-shadow:0 8px 24px -6px var(--veil)}
.launcher:hover{filter:brightness(1.1)}
.launcher span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
@media print{:host{display:none!important}}
`

export const sheet = new CSSStyleSheet()
sheet.replaceSync(css)
