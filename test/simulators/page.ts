import { randomBytes } from 'node:crypto'

/** Markup that is already safe to place. */
export class Markup {
  constructor(readonly text: string) {}
}

type Piece = string | number | Markup | Markup[]

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function render(piece: Piece): string {
  if (piece instanceof Markup) return piece.text
  if (Array.isArray(piece)) return piece.map(render).join('')
  return String(piece).replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Escapes everything but markup. */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(strings.map((part, i) => part + render(pieces[i] ?? '')).join(''))
}

export interface Page {
  language: string
  title: string
  style: string
  body: Markup
}

const commonStyle = `
*,*::before,*::after{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh}
button,input{font:inherit;color:inherit}
button{cursor:pointer}
:focus-visible{outline:3px solid var(--focus,#2b7de9);outline-offset:2px}
[lang=en].sub{opacity:.75;font-size:.86em;font-weight:400}
.simulated{margin:0;padding:.45rem 1rem;font:600 .8rem/1.3 system-ui,sans-serif;text-align:center;
  color:#1c1500;background:repeating-linear-gradient(-45deg,#ffe08a 0 14px,#ffd465 14px 28px)}
`

/** A whole page, which loads nothing from anywhere. */
export function pageAnswer(
  page: Page,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  const nonce = randomBytes(16).toString('base64')
  const document = html`<!doctype html>
    <html lang="${page.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <link rel="icon" href="data:," />
        <title>${page.title} (simulated)</title>
        <style nonce="${nonce}">
          ${new Markup(commonStyle + page.style)}
        </style>
      </head>
      <body>
        <p class="simulated" lang="en">Simulated — not the real service</p>
        ${page.body}
      </body>
    </html>`
  return new Response(document.text, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      // No form-action: browsers apply it to the redirect after the form too, which leads to the app.
      'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
      ...headers,
    },
  })
}
