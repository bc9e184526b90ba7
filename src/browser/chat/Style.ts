/**
 * The style sheet, shared by all chats of a page. A strict Content-Security-Policy allows constructed style sheets. The
 * page's own style does not apply inside the chat, except for its writing direction.
 *
 * Sizes are in `em`, so they follow the visitor's font size. The text is compact because it is not minified: the bundler
 * only removes line ends and shortens the names of custom properties without the prefix `--hydracore-`.
 *
 * @module
 */

const css = `
:host{all:initial;color-scheme:light dark;
--accent:var(--hydracore-accent,light-dark(#0f766e,#0f8478));
--on-accent:var(--hydracore-on-accent,#fff);
--background:var(--hydracore-background,light-dark(#fff,#14191f));
--surface:var(--hydracore-surface,light-dark(#f1f4f6,#222a33));
--text:var(--hydracore-text,light-dark(#17202a,#e8edf2));
--muted:var(--hydracore-muted,light-dark(#566472,#9fb0c0));
--edge:var(--hydracore-border,light-dark(#dde3e8,#303a45));
--link:var(--hydracore-link,light-dark(#0b5d56,#7ff0dd));
--fault:var(--hydracore-error,light-dark(#a11a2b,#ffb0b6));
--radius:var(--hydracore-radius,18px);
--inset:var(--hydracore-offset,20px);
position:fixed;bottom:var(--inset);inset-inline-end:var(--inset);z-index:var(--hydracore-z-index,2147483000);
font:400 max(.9375rem,15px)/1.5 var(--hydracore-font,system-ui,sans-serif)!important;color:var(--text)!important}
:host([theme=light]){color-scheme:light}
:host([theme=dark]){color-scheme:dark}
:host([hidden]),[hidden]{display:none!important}
*,::after{box-sizing:border-box;margin:0}
button,textarea{font:inherit;color:inherit}
button{border:1px solid transparent;border-radius:2em;background:none;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.heard{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.icon{width:1.35em;height:1.35em;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.icon.stop{fill:currentColor}
.icon:dir(rtl){scale:-1 1}

.launcher{position:relative;display:flex;align-items:center;gap:.6em;max-width:calc(100vw - 2*var(--inset));min-height:3.4em;padding:.5em 1.2em;background:var(--accent);color:var(--on-accent);font-weight:600;box-shadow:0 8px 24px -6px #0005}
.launcher:hover,.send:hover,.stop.button:hover{filter:brightness(1.1)}
.launcher span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.badge{position:absolute;top:0;inset-inline-end:.2em;width:.9em;height:.9em;border:2px solid var(--background);border-radius:50%;background:var(--fault)}

.panel{position:absolute;inset:auto;bottom:0;inset-inline-end:0;width:min(var(--hydracore-width,25em),calc(100vw - 2*var(--inset)));height:min(var(--hydracore-height,40em),calc(100dvh - 2*var(--inset)));max-width:none;max-height:none;padding:0;border:1px solid var(--edge);border-radius:var(--radius);background:var(--background);color:inherit;overflow:hidden;box-shadow:0 24px 60px -12px #0005}
.panel[open]{display:flex;flex-direction:column}
.panel:modal{position:fixed;inset:0;width:100%;height:100dvh;border:0;border-radius:0}
.header{display:flex;align-items:center;padding:.6em;border-bottom:1px solid var(--edge)}
.title{flex:1;min-width:0;padding-inline:.5em;font-size:1.1em;font-weight:600;overflow-wrap:anywhere}
.button{display:grid;place-items:center;flex:none;width:2.6em;height:2.6em;padding:0;color:var(--muted)}
.button:hover{background:var(--surface)}

.middle{flex:1;min-height:0;position:relative;display:flex}
.log{flex:1;min-width:0;display:flex;flex-direction:column;gap:.6em;padding:1.1em;overflow-y:auto;overscroll-behavior:contain}
.log:focus-visible,pre:focus-visible{outline-offset:-3px}
.latest{position:absolute;bottom:.6em;inset-inline:0;margin:auto;background:var(--background);border-color:var(--edge)}
.message{position:relative;display:flex;flex-direction:column;align-items:flex-start;gap:.4em;padding-inline-end:1.5em}
.log::before{content:"";margin-top:auto}
.body{max-width:100%;padding:.6em .9em;border-radius:var(--radius);border-end-start-radius:5px;background:var(--surface);overflow-wrap:break-word}
.message-user{align-items:flex-end;padding-inline:2.5em 0}
.message-user .body{background:var(--accent);color:var(--on-accent);border-end-start-radius:var(--radius);border-end-end-radius:5px}
.body>*+*{margin-top:.6em}
ul,ol{padding-inline-start:1.4em}
h3,h4,h5,h6{font-size:1em}
a{color:var(--link)}
a[target]::after{content:" ↗"}
blockquote{padding-inline-start:.8em;border-inline-start:3px solid var(--edge);color:var(--muted)}
code{padding:.1em .3em;border-radius:5px;background:light-dark(#17202a14,#fff2);font:.9em ui-monospace,Menlo,Consolas,monospace}
pre{padding:.6em .9em;border-radius:10px;background:#0b0f14;color:#e8edf2;direction:ltr}
pre code{padding:0;background:none}
.plain{white-space:pre-wrap}
.plain+.plain{margin:0}
.message,.plain{content-visibility:auto;contain-intrinsic-size:auto 30em auto 20em}
pre,.table{max-width:100%;overflow-x:auto}
table{border-collapse:collapse}
hr{border:solid var(--edge);border-width:1px 0 0}
th,td{padding:.3em .6em;border-bottom:1px solid var(--edge);text-align:start}
.note{font-size:.9em;color:var(--muted)}
.error{display:grid;gap:.6em;justify-items:start;padding:.6em .9em;border:1px solid;border-radius:var(--radius);background:var(--hydracore-error-background,light-dark(#fdf0f1,#38191d));color:var(--fault)}
.message:not(:last-child) .retry{display:none}
.retry{padding:.3em .9em;border-color:currentColor;font-weight:600}
.retry[aria-disabled=true]{border-style:dashed;cursor:default}
.writing .body:empty::after,.writing .body>:last-child::after{content:""/"";display:inline-block;width:.6em;height:.6em;margin-inline:.25em;border-radius:50%;background:var(--accent);animation:wait 1.2s infinite}

.composer{display:flex;align-items:flex-end;margin:0 .8em .8em;padding:.3em;border:1px solid #7d8b98;border-radius:calc(var(--radius) + 6px)}
.composer:focus-within{outline:2px solid var(--accent);outline-offset:-1px}
textarea{flex:1;min-width:0;max-height:9em;padding:.5em .8em;border:0;outline:0!important;background:none;font-size:max(1em,16px);resize:none;field-sizing:content}
textarea::placeholder{color:var(--muted);opacity:1}
:placeholder-shown{direction:inherit}
.send.button,.stop.button{background:var(--accent);color:var(--on-accent)}
textarea:placeholder-shown~.send.button{background:var(--surface);color:var(--muted)}

@keyframes wait{50%{opacity:.2}}
@keyframes rise{from{opacity:0;translate:0 10px}}
.panel,.message{animation:rise .2s}
@media(prefers-reduced-motion:reduce){*,::after{animation:none!important}}
@media(forced-colors:active){.body,.error,.badge{border:1px solid}}
@media print{:host{display:none!important}}
`

export const sheet = new CSSStyleSheet()
sheet.replaceSync(css)
