/**
 * The style sheet of the panel, which is added to the button's in `LauncherStyle.ts`.
 *
 * @module
 */

const css = `
textarea{font:inherit;color:inherit}
.sr-only{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.icon.stop{fill:currentColor}
.icon:dir(rtl){scale:-1 1}

.send:hover,.stop.button:hover{filter:brightness(1.1)}
.badge{position:absolute;top:0;inset-inline-end:.2em;width:.9em;height:.9em;border:2px solid var(--background);border-radius:50%;background:var(--fault)}

.panel{position:absolute;inset:auto;bottom:var(--k,0px);inset-inline-end:0;width:min(var(--hydracore-width,25em),calc(100vw - 2*var(--inset)));height:min(var(--hydracore-height,40em),calc(100dvh - 2*var(--inset) - var(--k,0px)));max-width:none;max-height:none;padding:0;border:1px solid var(--edge);border-radius:var(--radius);background:var(--background);color:inherit;overflow:hidden;box-shadow:0 24px 60px -12px var(--veil)}
:host([side=start]) .panel:not(:modal){inset-inline:0 auto}
.panel[open]{display:flex;flex-direction:column}
.panel:modal{position:fixed;inset:0;width:100%;height:calc(100dvh - var(--k,0px));border:0;border-radius:0}
.header{display:flex;align-items:center;padding:.6em;border-bottom:1px solid var(--edge)}
.title{flex:1;min-width:0;padding-inline:.5em;font-size:1.1em;font-weight:600;overflow-wrap:anywhere}
.button{display:grid;place-items:center;flex:none;width:2.6em;height:2.6em;padding:0;color:var(--muted)}
.button:hover{background:var(--surface)}

.middle{flex:1;min-height:0;position:relative;display:flex}
.log{flex:1;min-width:0;display:flex;flex-direction:column;gap:.6em;padding:1.1em;overflow-y:auto;overscroll-behavior:contain}
.log:focus-visible,pre:focus-visible,.table:focus-visible{outline-offset:-3px}
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
a[target]::after{content:" ↗";content:" ↗"/""}
blockquote{padding-inline-start:.8em;border-inline-start:3px solid var(--edge);color:var(--muted)}
code{padding:.1em .3em;border-radius:5px;background:color-mix(in srgb,currentColor 9%,transparent);font:.9em ui-monospace,Menlo,Consolas,monospace}
pre{padding:.6em .9em;border-radius:10px;background:var(--design-ink);color:var(--design-on-ink);direction:ltr}
pre code{padding:0;background:none}
.code{position:relative;direction:ltr}
.code pre{padding-top:2.2em}
.copy{position:absolute;top:.4em;right:.4em;padding:.1em .8em;border-color:var(--design-edge);background:var(--design-ink);color:var(--design-on-ink);font-size:.8em}
.copy:hover{background:color-mix(in srgb,currentColor 12%,var(--design-ink))}
.copy::after{content:attr(aria-label)}
.plain{white-space:pre-wrap}
.plain+.plain{margin:0}
.message,.plain{content-visibility:auto;contain-intrinsic-size:auto 30em auto 20em}
pre,.table{max-width:100%;overflow-x:auto}
.table[aria-label]{background:linear-gradient(90deg,var(--surface) 50%,transparent) 0/3em 100% local,linear-gradient(-90deg,var(--surface) 50%,transparent) 100%/3em 100% local,linear-gradient(90deg,var(--veil),transparent) 0/.8em 100%,linear-gradient(-90deg,var(--veil),transparent) 100%/.8em 100%;background-repeat:no-repeat}
.table[aria-label]::after{content:"↔ " attr(aria-label);content:"↔ " attr(aria-label)/"";position:sticky;inset-inline-start:0;display:block;width:max-content;max-width:100%;padding-top:.3em;font-size:.85em;color:var(--muted)}
table{border-collapse:collapse}
hr{border:solid var(--edge);border-width:1px 0 0}
th,td{padding:.3em .6em;border-bottom:1px solid var(--edge);text-align:start;overflow-wrap:normal}
:is(th,td):first-child{min-width:5.5em}
.left{text-align:left}
.center{text-align:center}
.right{text-align:right;white-space:nowrap}
.note{font-size:.9em;color:var(--muted)}
.activity{padding-inline-start:.6em}
.activity::before,.writing .body:empty::after,.writing .body>:last-child::after{content:"";display:inline-block;width:.6em;height:.6em;margin-inline:.25em;border-radius:50%;background:var(--accent);animation:wait 1.2s infinite}
.activity:not([hidden])~.body:empty,.writing .activity:not([hidden])~.body>:last-child::after{display:none}
.sources{max-width:100%;padding-inline:.9em;font-size:.9em}
.sources a{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.rating{display:flex;margin:-.3em 0 0 .4em}
.rate{width:2em;height:2em}
.rate .icon{width:1.1em;height:1.1em}
.rate-down .icon{rotate:180deg}
.rate[aria-pressed=true]{color:var(--link)}
.rate[aria-pressed=true] .icon{fill:currentColor}
.suggestions{display:none;flex-wrap:wrap;gap:.5em;padding-top:.3em}
.suggestions:last-child{display:flex}
.suggestion{padding:.35em 1em;border-color:var(--accent);color:var(--link);text-align:start;overflow-wrap:anywhere}
.suggestion:hover{background:var(--surface)}
.error{display:grid;gap:.6em;justify-items:start;padding:.6em .9em;border:1px solid;border-radius:var(--radius);background:var(--hydracore-error-background,var(--design-bad-soft));color:var(--fault)}
.message:not(:last-child) .retry{display:none}
.retry{padding:.3em .9em;border-color:currentColor;font-weight:600}
.retry[aria-disabled=true]{border-style:dashed;cursor:default}

.contact-box{padding:0 .8em .8em}
.contact-box button{color:var(--link)}
.contact-form,.contact-form label{display:grid;gap:.4em}
.contact-form label>*{border:1px solid var(--design-edge);border-radius:10px;padding:.5em .8em;font:inherit;font-size:max(1em,16px);color:inherit;background:none}
.contact-form :focus{outline:2px solid var(--accent)!important}
.contact-form div{display:flex;gap:.4em}
.composer{display:flex;align-items:flex-end;margin:0 .8em .8em;padding:.3em;border:1px solid var(--design-edge);border-radius:calc(var(--radius) + 6px)}
.composer:focus-within{outline:2px solid var(--accent);outline-offset:-1px}
textarea{flex:1;min-width:0;max-height:9em;padding:.5em .8em;border:0;outline:0!important;background:none;font-size:max(1em,16px);resize:none;field-sizing:content}
textarea::placeholder{color:var(--muted);opacity:1}
:placeholder-shown{direction:inherit}
.send.button,.stop.button{background:var(--accent);color:var(--on-accent)}
textarea:placeholder-shown~.send.button{background:var(--surface);color:var(--muted)}

@keyframes wait{50%{opacity:.2}}
@keyframes rise{from{opacity:0;translate:0 10px}}
.panel,.message{animation:rise .2s}
@media(prefers-reduced-motion:reduce){*,::after,::before{animation:none!important}}
@media(forced-colors:active){.body,.error,.badge{border:1px solid}}
`

export const sheet = new CSSStyleSheet()
sheet.replaceSync(css)
